// The exception that the core throws inside; api/ turns it into a status and a message.
#ifndef TANDEM_CORE_ERROR_H_
#define TANDEM_CORE_ERROR_H_

#include <stdexcept>
#include <string>

#include "api/tandem.h"

namespace tandem {

class Error : public std::runtime_error {
 public:
  Error(td_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  td_status status() const { return status_; }

 private:
  td_status status_;
};

}  // namespace tandem

#endif  // TANDEM_CORE_ERROR_H_
