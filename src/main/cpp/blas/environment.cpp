#include "blas/environment.h"

#include <cstdlib>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#endif

namespace tandem::blas {
namespace {

#if defined(_WIN32)

// OpenBLAS for Windows reads the process environment, not the C library's copy.
std::optional<std::string> read(const std::string& name) {
  const DWORD size = GetEnvironmentVariableA(name.c_str(), nullptr, 0);
  if (size == 0) return std::nullopt;
  std::string value(size, '\0');
  value.resize(GetEnvironmentVariableA(name.c_str(), value.data(), size));
  return value;
}

void write(const std::string& name, const std::optional<std::string>& value) {
  SetEnvironmentVariableA(name.c_str(), value ? value->c_str() : nullptr);
}

#else

std::optional<std::string> read(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

void write(const std::string& name, const std::optional<std::string>& value) {
  if (value) {
    setenv(name.c_str(), value->c_str(), 1);
  } else {
    unsetenv(name.c_str());
  }
}

#endif

}  // namespace

ScopedEnvironment::~ScopedEnvironment() {
  // Backwards, so that a variable that was changed twice gets its first value.
  for (auto it = before_.rbegin(); it != before_.rend(); ++it) write(it->first, it->second);
}

void ScopedEnvironment::set(const std::string& name, const std::string& value) {
  remember(name);
  write(name, value);
}

void ScopedEnvironment::unset(const std::string& name) {
  remember(name);
  write(name, std::nullopt);
}

std::string ScopedEnvironment::get(const std::string& name) { return read(name).value_or(""); }

void ScopedEnvironment::remember(const std::string& name) {
  before_.emplace_back(name, read(name));
}

}  // namespace tandem::blas
