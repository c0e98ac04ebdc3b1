#include "blas/openblas.h"

// OpenBLAS's header uses a type that C++ in GCC 12 has only on x86, in functions that we do not
// call.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12 && !defined(__x86_64__)
#define _Float16 __fp16
#endif
#include <cblas.h>

#include <atomic>
#include <cctype>
#include <mutex>

#include "blas/environment.h"
#include "blas/shared_library.h"
#include "core/cpu.h"
#include "core/error.h"

namespace tandem::blas {
namespace {

#if defined(_WIN32)
constexpr const char* kDefaultPath = "libopenblas.dll";
#elif defined(__APPLE__)
constexpr const char* kDefaultPath = "libopenblas.0.dylib";
#else
constexpr const char* kDefaultPath = "libopenblas.so.0";
#endif

struct Library {
  std::mutex mutex;
  std::string path = kDefaultPath;
  bool loaded = false;
  std::string description;
  std::atomic<decltype(&cblas_sgemm)> sgemm{nullptr};  // read without the mutex once loaded
};

// Never destroyed: at the process's end other threads may still be inside a product.
Library& library() {
  static Library& instance = *new Library;
  return instance;
}

// OpenBLAS reads its environment in its constructor. Inherited variables must not decide the bits
// or the speed: the core comes from CPUID, the blocking is the core's own, and OpenBLAS gets one
// thread, because the engine's pool calls it from every thread.
void scrubEnvironment(ScopedEnvironment& environment) {
  // OpenBLAS 0.3.31 identifies some AVX-512 processors as Haswell, at half the speed.
  const std::string wanted = ScopedEnvironment::get("TANDEM_BLAS_CORE");
  if (!wanted.empty()) {
    environment.set("OPENBLAS_CORETYPE", wanted);
  } else if (cpuHasAvx512()) {
    environment.set("OPENBLAS_CORETYPE", "SKYLAKEX");
  } else {
    environment.unset("OPENBLAS_CORETYPE");
  }
  for (const char* name : {"OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR", "OPENBLAS_VERBOSE",
                           "OPENBLAS_DEFAULT_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"}) {
    environment.unset(name);
  }
  environment.set("OPENBLAS_NUM_THREADS", "1");
}

// openblas_get_config() begins "OpenBLAS 0.3.31 ..."; the rest describes its build.
std::string describe(const char* config, const char* core) {
  std::string text = config;
  const size_t name = text.find("OpenBLAS");
  if (name != std::string::npos) text = text.substr(name);
  const size_t versionEnd = text.find(' ', text.find(' ') + 1);
  text = text.substr(0, versionEnd) + " ";
  for (; *core != '\0'; ++core) {
    text += static_cast<char>(std::toupper(static_cast<unsigned char>(*core)));
  }
  return text;
}

}  // namespace

void setPath(const std::string& path) {
  Library& lib = library();
  const std::lock_guard<std::mutex> lock(lib.mutex);
  if (lib.loaded && path != lib.path) {
    throw Error(ErrorKind::kInvalid, "OpenBLAS is already loaded from " + lib.path);
  }
  lib.path = path;
}

void load() {
  Library& lib = library();
  const std::lock_guard<std::mutex> lock(lib.mutex);
  if (lib.loaded) return;
  ScopedEnvironment environment;
  scrubEnvironment(environment);
  SharedLibrary shared(lib.path);
  const auto sgemm = shared.function<decltype(&cblas_sgemm)>("cblas_sgemm");
  const auto config = shared.function<decltype(&openblas_get_config)>("openblas_get_config");
  const auto core = shared.function<decltype(&openblas_get_corename)>("openblas_get_corename");
  const auto setThreads =
      shared.function<decltype(&openblas_set_num_threads)>("openblas_set_num_threads");
  setThreads(1);  // another library may have loaded it before
  lib.description = describe(config(), core());
  lib.sgemm = sgemm;
  shared.keep();
  lib.loaded = true;
}

const char* description() {
  load();
  return library().description.c_str();
}

void sgemm(const SgemmArgs& a) {
  const auto function = library().sgemm.load(std::memory_order_acquire);
  function(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(a.m),
           static_cast<blasint>(a.n), static_cast<blasint>(a.k), 1.0f, a.x,
           static_cast<blasint>(a.ldx), a.w, static_cast<blasint>(a.ldw), a.beta, a.y,
           static_cast<blasint>(a.ldy));
}

}  // namespace tandem::blas
