// The handles that are open, so that a closed or foreign one is an error and not a crash.
#ifndef TANDEM_API_HANDLES_H_
#define TANDEM_API_HANDLES_H_

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/error.h"

namespace tandem {

// Handle is the opaque C type that stands for a T.
template <class Handle, class T>
class Handles {
 public:
  explicit Handles(const char* what) : what_(what) {}

  Handle* add(std::shared_ptr<T> object) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto* handle = reinterpret_cast<Handle*>(object.get());
    open_.emplace(handle, std::move(object));
    return handle;
  }

  // Error(TD_INVALID) unless it is open. The object lives while somebody holds it.
  std::shared_ptr<T> get(const Handle* handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return find(handle)->second;
  }

  void remove(const Handle* handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(find(handle));
  }

 private:
  auto find(const Handle* handle) {
    const auto found = open_.find(handle);
    if (found == open_.end()) {
      throw Error(TD_INVALID,
                  std::string(what_) + (handle == nullptr ? " is NULL" : " is not open"));
    }
    return found;
  }

  const char* what_;
  std::mutex mutex_;
  std::unordered_map<const Handle*, std::shared_ptr<T>> open_;
};

}  // namespace tandem

#endif  // TANDEM_API_HANDLES_H_
