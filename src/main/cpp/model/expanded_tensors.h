// Tensors that had to be expanded to f32, shared by all stages of an engine.
#ifndef TANDEM_MODEL_EXPANDED_TENSORS_H_
#define TANDEM_MODEL_EXPANDED_TENSORS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "api/tandem.h"
#include "core/float_buffer.h"
#include "core/thread_pool.h"
#include "kernels/kernels.h"

namespace tandem {

class ExpandedTensors {
 public:
  // [rows, cols] f32; expanded now unless a stage that is still open had the same tensor expanded.
  // Tensors are told apart by address and shape, which works because a tensor's memory outlives the
  // stages opened from it.
  std::shared_ptr<const FloatBuffer> get(const td_tensor& tensor, ThreadPool& pool,
                                         const KernelTable& kernels);

 private:
  // data, dtype, transposed, rows, cols
  using Key = std::tuple<const void*, int32_t, int32_t, int64_t, int64_t>;
  std::map<Key, std::weak_ptr<const FloatBuffer>> buffers_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_EXPANDED_TENSORS_H_
