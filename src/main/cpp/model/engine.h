// The threads, kernels and prepared tensors that all stages of an engine share.
#ifndef TANDEM_MODEL_ENGINE_H_
#define TANDEM_MODEL_ENGINE_H_

#include <cstdint>
#include <mutex>

#include "core/buffer.h"
#include "core/thread_pool.h"
#include "kernels/kernels.h"
#include "model/prepared_tensors.h"

namespace tandem {

struct Engine {
  // nThreads: 0 for all cores. The table must outlive this.
  Engine(int32_t nThreads, const KernelTable& kernelTable);

  const KernelTable& kernels;
  ThreadPool pool;
  // Hold it to use the pool, and to open or close a stage or a sequence.
  std::mutex mutex;
  int64_t nStages = 0;                  // open; under the mutex
  PreparedTensors prepared;             // under the mutex
  FloatBuffer probeInput, probeOutput;  // of bench/; under the mutex
};

}  // namespace tandem

#endif  // TANDEM_MODEL_ENGINE_H_
