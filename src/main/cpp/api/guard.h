// Turns the exceptions of the core into a status and a message.
#ifndef TANDEM_API_GUARD_H_
#define TANDEM_API_GUARD_H_

#include <exception>
#include <new>
#include <stdexcept>

#include "api/tandem.h"
#include "core/error.h"

namespace tandem {

// This thread's message; truncated rather than allocated.
const char* lastError() noexcept;
void setLastError(const char* message) noexcept;

inline td_status statusOf(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kInvalid:
      return TD_INVALID;
    case ErrorKind::kNoMemory:
      return TD_NO_MEMORY;
    case ErrorKind::kIo:
      return TD_IO;
    case ErrorKind::kPosition:
      return TD_POSITION;
    case ErrorKind::kUnsupported:
      return TD_UNSUPPORTED;
    case ErrorKind::kInternal:
      break;
  }
  return TD_INTERNAL;
}

template <class F>
td_status guard(F&& body) noexcept {
  const auto fail = [](td_status status, const char* message) {
    setLastError(message);
    return status;
  };
  setLastError("");
  try {
    body();
    return TD_OK;
  } catch (const Error& e) {
    return fail(statusOf(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return fail(TD_NO_MEMORY, "out of memory");
  } catch (const std::length_error&) {
    return fail(TD_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return fail(TD_INTERNAL, e.what());
  } catch (...) {
    return fail(TD_INTERNAL, "unknown exception");
  }
}

// For functions that return a value; they return `fallback` if body fails.
template <class T, class F>
T guardValue(T fallback, F&& body) noexcept {
  T result = fallback;
  guard([&] { result = body(); });
  return result;
}

inline void requireArgument(bool ok, const char* message) {
  if (!ok) throw Error(ErrorKind::kInvalid, message);
}

}  // namespace tandem

#endif  // TANDEM_API_GUARD_H_
