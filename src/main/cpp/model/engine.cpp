#include "model/engine.h"

#include <algorithm>
#include <string>
#include <thread>

#include "core/error.h"

namespace tandem {
namespace {

constexpr int32_t kMaxThreads = 128;  // each may need one of OpenBLAS's 128 buffers

int threadCount(int32_t nThreads) {
  if (nThreads < 0 || nThreads > kMaxThreads) {
    throw Error(ErrorKind::kInvalid, "n_threads: expected 0 to " + std::to_string(kMaxThreads) +
                                         ", got " + std::to_string(nThreads));
  }
  if (nThreads > 0) return nThreads;
  const unsigned cores = std::thread::hardware_concurrency();  // 0 if unknown
  return std::clamp(static_cast<int>(cores), 1, kMaxThreads);
}

}  // namespace

Engine::Engine(int32_t nThreads, const KernelTable& kernelTable)
    : kernels(kernelTable), pool(threadCount(nThreads)) {}

}  // namespace tandem
