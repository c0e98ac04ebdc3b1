// A shared library opened at run time.
#ifndef TANDEM_BLAS_SHARED_LIBRARY_H_
#define TANDEM_BLAS_SHARED_LIBRARY_H_

#include <cstring>
#include <string>

namespace tandem::blas {

// Closed on destruction, unless keep() was called.
class SharedLibrary {
 public:
  // Error(kUnsupported) with the loader's message.
  explicit SharedLibrary(const std::string& path);
  ~SharedLibrary();
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;

  template <class Function>
  Function function(const char* name) const {
    void* const address = symbol(name);
    Function result;
    static_assert(sizeof(result) == sizeof(address));
    std::memcpy(&result, &address, sizeof(result));
    return result;
  }
  void keep() { handle_ = nullptr; }

 private:
  void* symbol(const char* name) const;  // Error(kUnsupported) if it is missing

  std::string path_;
  void* handle_;
};

}  // namespace tandem::blas

#endif  // TANDEM_BLAS_SHARED_LIBRARY_H_
