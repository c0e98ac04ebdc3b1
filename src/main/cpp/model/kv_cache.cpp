#include "model/kv_cache.h"

#include <cassert>
#include <cstring>

#include "core/cache_line.h"
#include "core/sizes.h"

namespace tandem {
namespace {

// The bytes of K, and of V, of one head.
int64_t headBytesOf(const StageSpec& spec, int64_t positions) {
  const int64_t bytes = checkedProduct(
      {roundUp(positions, kKvGroup), kvRowBytes(spec.kvType, spec.config.headDim)}, "KV cache");
  return roundUp(bytes, kCacheLineBytes);
}

}  // namespace

KvCache::KvCache(const StageSpec& spec, const KernelTable& kernels, int64_t capacity)
    : spec_(spec),
      kernels_(kernels.kv[static_cast<int>(spec.kvType)]),
      capacity_(capacity),
      headBytes_(headBytesOf(spec, capacity)),
      memory_(bytes(spec, capacity)) {}

int64_t KvCache::bytes(const StageSpec& spec, int64_t positions) {
  const int64_t heads = 2 * spec.nLayers() * spec.config.nKvHeads;  // of K and of V
  const int64_t bytes = checkedProduct({headBytesOf(spec, positions), heads}, "KV cache");
  const int64_t page = ReservedMemory::pageBytes();
  return checkedSum(bytes, page - 1, "KV cache") / page * page;
}

unsigned char* KvCache::head(int64_t layer, int64_t kvHead) const {
  return static_cast<unsigned char*>(memory_.data()) +
         (layer * spec_.config.nKvHeads + kvHead) * 2 * headBytes_;
}

void KvCache::store(int64_t layer, int64_t kvHead, int64_t position, View2<const float> k,
                    View2<const float> v) {
  assert(position >= 0 && position + k.rows <= capacity_);
  const int64_t headDim = spec_.config.headDim;
  const auto args = [&](unsigned char* to, const View2<const float>& rows) {
    return KvStoreArgs{to,          rows.data, kvRowBytes(spec_.kvType, headDim),
                       rows.stride, rows.rows, position,
                       headDim};
  };
  unsigned char* const kHead = head(layer, kvHead);
  kernels_.storeKeys(args(kHead, k));
  kernels_.storeValues(args(kHead + headBytes_, v));
}

void KvCache::copy(const KvCache& from, int64_t layer, int64_t kvHead, int64_t fromPosition,
                   int64_t toPosition, int64_t n) {
  assert(fromPosition % kKvGroup == 0 && toPosition % kKvGroup == 0);
  assert(fromPosition + n <= from.capacity_ && toPosition + n <= capacity_);
  const int64_t rowBytes = kvRowBytes(spec_.kvType, spec_.config.headDim);
  // Whole groups, because a group of K is interleaved; both caches have room for whole groups.
  const auto bytes = static_cast<size_t>(roundUp(n, kKvGroup) * rowBytes);
  const unsigned char* const source = from.head(layer, kvHead) + fromPosition * rowBytes;
  unsigned char* const target = head(layer, kvHead) + toPosition * rowBytes;
  std::memcpy(target, source, bytes);
  std::memcpy(target + headBytes_, source + from.headBytes_, bytes);
}

}  // namespace tandem
