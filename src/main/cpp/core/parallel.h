// Loops for the pool, in pieces that are large enough for a task.
#ifndef TANDEM_CORE_PARALLEL_H_
#define TANDEM_CORE_PARALLEL_H_

#include <algorithm>
#include <cstdint>

#include "core/sizes.h"
#include "core/thread_pool.h"

namespace tandem {

// Calls body(begin, end, thread) for pieces of [0, n). A piece costs about kTaskCost or more. One
// item costs costPerItem, counted in touched elements. Waking a thread takes as long as a few
// thousand elements.
template <class F>
void parallelFor(ThreadPool& pool, int64_t n, int64_t costPerItem, F&& body) {
  constexpr int64_t kTaskCost = 8192;
  const int64_t perTask = std::max<int64_t>(1, kTaskCost / std::max<int64_t>(1, costPerItem));
  pool.run(ceilDiv(n, perTask), [&](int64_t task, int thread) {
    body(task * perTask, std::min(n, (task + 1) * perTask), thread);
  });
}

}  // namespace tandem

#endif  // TANDEM_CORE_PARALLEL_H_
