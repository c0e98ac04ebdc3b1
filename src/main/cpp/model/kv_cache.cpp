#include "model/kv_cache.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/sizes.h"
#include "kernels/kernels.h"

namespace tandem {

KvCache::KvCache(const StageSpec& spec, int64_t capacity)
    : capacity_(capacity),
      headDim_(spec.config.headDim),
      nKvHeads_(spec.config.nKvHeads),
      floats_(roundUp(capacity, kKvPanel) * headDim_),
      memory_(bytes(spec, capacity)) {}

int64_t KvCache::bytes(const StageSpec& spec, int64_t positions) {
  const int64_t heads = 2 * spec.nLayers() * spec.config.nKvHeads;  // of K and of V
  const int64_t bytes = checkedProduct(
      {roundUp(positions, kKvPanel), spec.config.headDim, heads, sizeof(float)}, "KV cache");
  const int64_t page = ReservedMemory::pageBytes();
  return checkedSum(bytes, page - 1, "KV cache") / page * page;
}

float* KvCache::head(int64_t layer, int64_t kvHead) const {
  return static_cast<float*>(memory_.data()) + (layer * nKvHeads_ + kvHead) * 2 * floats_;
}

void KvCache::store(int64_t layer, int64_t kvHead, int64_t position, View2<const float> k,
                    View2<const float> v) {
  assert(position >= 0 && position + k.rows <= capacity_);
  float* const kHead = head(layer, kvHead);
  float* const vHead = kHead + floats_;
  for (int64_t r = 0; r < v.rows; ++r) {
    std::memcpy(vHead + (position + r) * headDim_, v.row(r),
                static_cast<size_t>(headDim_) * sizeof(float));
  }
  for (int64_t r = 0; r < k.rows;) {  // one panel at a time, so that each line is written once
    const int64_t lane = (position + r) % kKvPanel;
    const int64_t n = std::min(kKvPanel - lane, k.rows - r);
    float* panel = kHead + (position + r) / kKvPanel * kKvPanel * headDim_ + lane;
    const float* rows = k.row(r);
    for (int64_t d = 0; d < headDim_; ++d) {
      for (int64_t i = 0; i < n; ++i) panel[d * kKvPanel + i] = rows[i * k.stride + d];
    }
    r += n;
  }
}

}  // namespace tandem
