// The open handles, so that a closed or foreign handle is an error and not a crash.
#ifndef TANDEM_API_HANDLES_H_
#define TANDEM_API_HANDLES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/error.h"

namespace tandem {

// A number that no handle of any type has had before, and that is not 0.
inline uintptr_t nextHandle() {
  static_assert(sizeof(uintptr_t) == 8, "shorter numbers could repeat");
  static std::atomic<uintptr_t> last{0};
  return last.fetch_add(1) + 1;
}

// Handle is the opaque C type for a T. A pointer to it is a number from nextHandle(), not an
// address, so that a closed handle never refers to another object.
template <class Handle, class T>
class Handles {
 public:
  explicit Handles(const char* what) : what_(what) {}

  Handle* add(std::shared_ptr<T> object) {
    auto* handle = reinterpret_cast<Handle*>(nextHandle());
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.emplace(handle, std::move(object));
    return handle;
  }

  // Error(kInvalid) unless it is open. The object lives as long as the returned pointer.
  std::shared_ptr<T> get(const Handle* handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return find(handle)->second;
  }

  void remove(const Handle* handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.erase(find(handle));
  }

  // Many look-ups under one lock: while this object lives, nothing is added or removed.
  class Lookup {
   public:
    explicit Lookup(Handles& handles) : handles_(handles), lock_(handles.mutex_) {}
    // Error(kInvalid) unless it is open.
    T& operator[](const Handle* handle) const { return *handles_.find(handle)->second; }

   private:
    Handles& handles_;
    const std::lock_guard<std::mutex> lock_;
  };

 private:
  auto find(const Handle* handle) {
    const auto found = open_.find(handle);
    if (found == open_.end()) {
      throw Error(ErrorKind::kInvalid,
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
