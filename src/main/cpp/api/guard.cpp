#include "api/guard.h"

#include <cstdio>

namespace tandem {
namespace {

thread_local char lastMessage[1024] = "";

}  // namespace

const char* lastError() noexcept { return lastMessage; }

void setLastError(const char* message) noexcept {
  std::snprintf(lastMessage, sizeof(lastMessage), "%s", message);
}

}  // namespace tandem
