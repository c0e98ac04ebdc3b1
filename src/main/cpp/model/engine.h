// What all stages of an engine share: its threads, its kernels, its prepared tensors.
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
  // Held by whoever uses the pool, and by whoever opens or closes what belongs to the engine.
  std::mutex mutex;
  int64_t nStages = 0;                  // open; under the mutex
  PreparedTensors prepared;             // under the mutex
  FloatBuffer probeInput, probeOutput;  // of bench/; under the mutex
};

}  // namespace tandem

#endif  // TANDEM_MODEL_ENGINE_H_
