#include "model/prepared_tensors.h"

#include <algorithm>

#include "core/cache_line.h"
#include "core/mapped_file.h"
#include "core/sizes.h"

namespace tandem {
namespace {

constexpr int64_t kFirstBuffer = int64_t{1} << 16;
constexpr int64_t kLargestBuffer = int64_t{1} << 26;

}  // namespace

std::shared_ptr<const void> PreparedTensors::get(const Tensor& tensor, WeightType as,
                                                 ThreadPool& pool, const KernelTable& kernels) {
  for (auto it = tensors_.begin(); it != tensors_.end();) {
    it = it->second.expired() ? tensors_.erase(it) : std::next(it);
  }
  const Key key{tensor.data, tensor.dtype, tensor.transposed, tensor.rows, tensor.cols, as};
  if (const auto found = tensors_.find(key); found != tensors_.end()) {
    // Stages are destroyed without the engine's mutex, so this one may be in its destructor.
    if (auto shared = found->second.lock()) return shared;
  }
  const std::shared_ptr<unsigned char> data = allocate(preparedBytes(tensor, as));
  prepare(data.get(), tensor, as, pool, kernels);
  releaseMappedPages(tensor.data, tensor.dataBytes);
  tensors_.insert_or_assign(key, data);
  return data;
}

std::shared_ptr<unsigned char> PreparedTensors::allocate(int64_t bytes) {
  const int64_t needed =
      checkedSum(bytes, kCacheLineBytes - 1, "tensor") / kCacheLineBytes * kCacheLineBytes;
  std::shared_ptr<const ByteBuffer> buffer = buffer_.lock();
  if (buffer == nullptr || buffer->size() - used_ < needed) {
    const int64_t next =
        buffer == nullptr ? kFirstBuffer : std::min(2 * buffer->size(), kLargestBuffer);
    buffer = std::make_shared<ByteBuffer>(std::max(needed, next));
    buffer_ = buffer;
    used_ = 0;
  }
  unsigned char* data = buffer->data() + used_;
  used_ += needed;
  return {buffer, data};
}

}  // namespace tandem
