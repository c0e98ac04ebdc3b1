// Environment variables that are changed for a short time.
#ifndef TANDEM_BLAS_ENVIRONMENT_H_
#define TANDEM_BLAS_ENVIRONMENT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::blas {

// Restores every changed variable on destruction.
class ScopedEnvironment {
 public:
  ScopedEnvironment() = default;
  ~ScopedEnvironment();
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

  void set(const std::string& name, const std::string& value);
  void unset(const std::string& name);
  static std::string get(const std::string& name);  // empty when it is not set

 private:
  void remember(const std::string& name);

  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

}  // namespace tandem::blas

#endif  // TANDEM_BLAS_ENVIRONMENT_H_
