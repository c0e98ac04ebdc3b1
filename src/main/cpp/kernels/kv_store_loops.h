// Writing keys and values into the cache. F is one of kv_formats.h.
#ifndef TANDEM_KERNELS_KV_STORE_LOOPS_H_
#define TANDEM_KERNELS_KV_STORE_LOOPS_H_

#include <cstdint>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/kv_formats.h"

namespace tandem {

// put(block, first element, elements) for the blocks of one row x: (headDim).
template <class F, class Put>
inline void encodeRow(const float* x, int64_t headDim, Put put) {
  using V = typename F::Vec;
  KvBlock<typename F::Element> block;
  int64_t d = 0;
  for (; d + kKvBlock <= headDim; d += kKvBlock) {
    F::encode(block, V::load(x + d), V::load(x + d + kLanes));
    put(block, d, kKvBlock);
  }
  if (d == headDim) return;
  float padded[kKvBlock] = {};
  std::memcpy(padded, x + d, static_cast<size_t>(headDim - d) * sizeof(float));
  F::encode(block, V::load(padded), V::load(padded + kLanes));
  put(block, d, headDim - d);
}

template <class F>
void storeKeys(const KvStoreArgs& a) {
  using Element = typename F::Element;
  for (int64_t r = 0; r < a.nRows; ++r) {
    const int64_t lane = (a.position + r) % kKvGroup;
    unsigned char* const group =
        static_cast<unsigned char*>(a.to) + (a.position + r - lane) * a.rowBytes;
    encodeRow<F>(a.x + r * a.ldx, a.headDim,
                 [&](const KvBlock<Element>& block, int64_t d, int64_t n) {
                   unsigned char* to = group + d / kKvBlock * F::kBlockBytes * kKvGroup;
                   if constexpr (F::kScaled) {
                     std::memcpy(to + lane * F::kScaleBytes, &block.scale, F::kScaleBytes);
                     to += kKvGroup * F::kScaleBytes;
                   }
                   auto* element = reinterpret_cast<Element*>(to) + lane;
                   for (int64_t i = 0; i < n; ++i) element[i * kKvGroup] = block.element[i];
                 });
  }
}

template <class F>
void storeValues(const KvStoreArgs& a) {
  using Element = typename F::Element;
  for (int64_t r = 0; r < a.nRows; ++r) {
    unsigned char* const row = static_cast<unsigned char*>(a.to) + (a.position + r) * a.rowBytes;
    encodeRow<F>(a.x + r * a.ldx, a.headDim,
                 [&](const KvBlock<Element>& block, int64_t d, int64_t n) {
                   unsigned char* to = row + d / kKvBlock * F::kBlockBytes;
                   if constexpr (F::kScaled) {
                     std::memcpy(to, &block.scale, F::kScaleBytes);
                     to += F::kScaleBytes;
                   }
                   std::memcpy(to, block.element, static_cast<size_t>(n) * sizeof(Element));
                 });
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_KV_STORE_LOOPS_H_
