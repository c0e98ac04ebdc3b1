#include "api/guard.h"

#include <cstdio>

namespace tandem {
namespace {

thread_local char message_[1024] = "";

}  // namespace

const char* lastError() noexcept { return message_; }

void setLastError(const char* message) noexcept {
  std::snprintf(message_, sizeof(message_), "%s", message);
}

}  // namespace tandem
