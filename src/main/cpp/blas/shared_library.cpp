#include "blas/shared_library.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include "core/error.h"

namespace tandem::blas {
namespace {

#if defined(_WIN32)

void* openLibrary(const std::string& path) {
  // The altered search path finds the Fortran runtime beside an OpenBLAS that is given by path.
  const bool isPath = path.find_first_of("/\\") != std::string::npos;
  return LoadLibraryExA(path.c_str(), nullptr, isPath ? LOAD_WITH_ALTERED_SEARCH_PATH : 0);
}
std::string loaderMessage() { return "Windows error " + std::to_string(GetLastError()); }
void closeLibrary(void* handle) { FreeLibrary(static_cast<HMODULE>(handle)); }
void* findSymbol(void* handle, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

#else

// OpenBLAS's libgfortran searches libquadmath in the system's folders, not in its own folder. If
// libquadmath is opened first, it is found by its name. If the file is missing, it is not needed or
// the system has it.
void* openLibrary(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  void* runtime = dlopen((folder + "libquadmath.so.0").c_str(), RTLD_LAZY | RTLD_LOCAL);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr && runtime != nullptr) dlclose(runtime);  // libgfortran holds it now
  return library;
}
std::string loaderMessage() {
  const char* message = dlerror();
  return message == nullptr ? "unknown reason" : message;
}
void closeLibrary(void* handle) { dlclose(handle); }
void* findSymbol(void* handle, const char* name) { return dlsym(handle, name); }

#endif

}  // namespace

SharedLibrary::SharedLibrary(const std::string& path) : path_(path), handle_(openLibrary(path)) {
  if (handle_ == nullptr) {
    throw Error(ErrorKind::kUnsupported,
                "cannot load OpenBLAS (" + loaderMessage() +
                    "); give its path, or use the reproducible mode, which does "
                    "without it");
  }
}

SharedLibrary::~SharedLibrary() {
  if (handle_ != nullptr) closeLibrary(handle_);
}

void* SharedLibrary::symbol(const char* name) const {
  void* address = findSymbol(handle_, name);
  if (address == nullptr)
    throw Error(ErrorKind::kUnsupported, path_ + " is not OpenBLAS: no " + name);
  return address;
}

}  // namespace tandem::blas
