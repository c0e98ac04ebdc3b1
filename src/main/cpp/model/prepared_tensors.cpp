#include "model/prepared_tensors.h"

namespace tandem {

std::shared_ptr<const ByteBuffer> PreparedTensors::get(const td_tensor& tensor, WeightType as,
                                                       ThreadPool& pool,
                                                       const KernelTable& kernels) {
  for (auto it = buffers_.begin(); it != buffers_.end();) {
    it = it->second.expired() ? buffers_.erase(it) : std::next(it);
  }
  const Key key{tensor.data, tensor.dtype, tensor.transposed, tensor.rows, tensor.cols, as};
  if (const auto found = buffers_.find(key); found != buffers_.end()) {
    // Stages are destroyed without the engine's mutex, so this one may be going just now.
    if (auto shared = found->second.lock()) return shared;
  }
  auto buffer = std::make_shared<ByteBuffer>(preparedBytes(tensor, as));
  prepare(buffer->data(), tensor, as, pool, kernels);
  buffers_.insert_or_assign(key, buffer);
  return buffer;
}

}  // namespace tandem
