// Tensors that could not be used in place, shared by all stages of an engine.
#ifndef TANDEM_MODEL_PREPARED_TENSORS_H_
#define TANDEM_MODEL_PREPARED_TENSORS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "core/buffer.h"
#include "core/thread_pool.h"
#include "kernels/kernels.h"
#include "model/prepare.h"
#include "model/tensor.h"

namespace tandem {

class PreparedTensors {
 public:
  // The tensor in that type. It is prepared now, unless an open stage already has the same one.
  // Address and shape identify a tensor, because a tensor's memory outlives the stages opened from
  // it.
  std::shared_ptr<const void> get(const Tensor& tensor, WeightType as, ThreadPool& pool,
                                  const KernelTable& kernels);

 private:
  // data, dtype, transposed, rows, cols, as
  using Key = std::tuple<const void*, DType, bool, int64_t, int64_t, WeightType>;

  std::shared_ptr<unsigned char> allocate(int64_t bytes);

  std::map<Key, std::weak_ptr<const void>> tensors_;
  // Tensors are adjacent in buffers, which live as long as one of their tensors. A buffer is large
  // enough for huge memory pages; most single matrices are not. Each buffer is twice as large as
  // the one before, up to a limit, so that small models stay small.
  std::weak_ptr<const ByteBuffer> buffer_;  // the latest
  int64_t used_ = 0;                        // of it
};

}  // namespace tandem

#endif  // TANDEM_MODEL_PREPARED_TENSORS_H_
