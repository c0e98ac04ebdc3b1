// The exception that the core throws inside; api/guard.h turns it into a status and a message.
#ifndef TANDEM_CORE_ERROR_H_
#define TANDEM_CORE_ERROR_H_

#include <stdexcept>
#include <string>

namespace tandem {

enum class ErrorKind {
  kInvalid,      // an argument, a shape or a size is wrong
  kNoMemory,     // memory could not be reserved
  kIo,           // a file could not be opened, mapped, or is shorter than it was
  kPosition,     // a row's position does not fit its sequence
  kUnsupported,  // this build or machine cannot do it
  kInternal      // a bug in the core
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace tandem

#endif  // TANDEM_CORE_ERROR_H_
