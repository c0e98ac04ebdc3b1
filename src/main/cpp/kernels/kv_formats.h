// The types of the KV cache, for the loops of attention_loops.h and kv_store_loops.h. All become
// f32 in registers, exactly, so that attention gives the bits of the same values in f32. V is an
// instruction set's Vec16.
#ifndef TANDEM_KERNELS_KV_FORMATS_H_
#define TANDEM_KERNELS_KV_FORMATS_H_

#include <cstdint>
#include <cstring>

#include "core/cache_line.h"
#include "kernels/kernels.h"

namespace tandem {

// A block that is written to the cache.
template <class T>
struct KvBlock {
  uint16_t scale;  // if the type has one
  T element[kKvBlock];
};

// Types without a scale.
template <class V, class T>
struct PlainKv {
  using Vec = V;
  using Element = T;
  static constexpr bool kScaled = false;
  static constexpr int64_t kBlockBytes = kKvBlock * int64_t{sizeof(T)};

  // A block of a group of K: vector i holds element i of 16 positions.
  struct Keys {
    const T* data;
  };
  // A block of one position of V.
  struct Values {
    const T* data;
  };
  static Keys keys(const unsigned char* block) { return {reinterpret_cast<const T*>(block)}; }
  static Values values(const unsigned char* block) { return {reinterpret_cast<const T*>(block)}; }
};

// Prefetches, once for each cache line, the memory that many bytes behind an element.
template <class V, class T>
inline void prefetchLine(const T* data, int64_t element, int64_t bytes) {
  constexpr int64_t kPerLine = kCacheLineBytes / int64_t{sizeof(T)};
  if (element % kPerLine == 0) V::prefetch(data + element, bytes);
}

template <class V>
struct F32Kv : PlainKv<V, float> {
  using typename PlainKv<V, float>::Keys;
  using typename PlainKv<V, float>::Values;

  static V key(const Keys& keys, int64_t i) { return V::load(keys.data + i * kLanes); }
  static V value(const Values& values, int64_t at) { return V::load(values.data + at); }
  static V partialValue(const Values& values, int64_t at, int64_t n) {
    return V::loadPartial(values.data + at, n);
  }
  static void encode(KvBlock<float>& to, const V& first, const V& second) {
    first.store(to.element);
    second.store(to.element + kLanes);
  }
};

template <class V>
struct F16Kv : PlainKv<V, uint16_t> {
  using typename PlainKv<V, uint16_t>::Keys;
  using typename PlainKv<V, uint16_t>::Values;

  static V key(const Keys& keys, int64_t i) { return V::expandF16(keys.data + i * kLanes); }
  static V value(const Values& values, int64_t at) { return V::expandF16(values.data + at); }
  static V partialValue(const Values& values, int64_t at, int64_t n) {
    uint16_t padded[kLanes] = {};
    for (int64_t i = 0; i < n; ++i) padded[i] = values.data[at + i];
    return V::expandF16(padded);
  }
  static void encode(KvBlock<uint16_t>& to, const V& first, const V& second) {
    first.storeF16(to.element);
    second.storeF16(to.element + kLanes);
  }
};

template <class V>
struct Q8Kv {
  using Vec = V;
  using Element = int8_t;
  static constexpr bool kScaled = true;
  static constexpr int64_t kScaleBytes = sizeof(uint16_t);
  static constexpr int64_t kBlockBytes = kScaleBytes + kKvBlock;

  struct Keys {
    const int8_t* data;
    V scale;
  };
  struct Values {
    const int8_t* data;
    V scale;
  };
  static Keys keys(const unsigned char* block) {
    return {reinterpret_cast<const int8_t*>(block + kLanes * kScaleBytes),
            V::expandF16(reinterpret_cast<const uint16_t*>(block))};
  }
  static Values values(const unsigned char* block) {
    uint16_t scale = 0;  // with an odd headDim its address is odd
    std::memcpy(&scale, block, sizeof scale);
    return {reinterpret_cast<const int8_t*>(block + kScaleBytes), V::broadcastF16(scale)};
  }

  static V key(const Keys& keys, int64_t i) {
    return V::mul(V::expandI8(keys.data + i * kLanes), keys.scale);
  }
  static V value(const Values& values, int64_t at) {
    return V::mul(V::expandI8(values.data + at), values.scale);
  }
  static V partialValue(const Values& values, int64_t at, int64_t n) {
    int8_t padded[kLanes] = {};
    std::memcpy(padded, values.data + at, static_cast<size_t>(n));
    return V::mul(V::expandI8(padded), values.scale);
  }

  static void encode(KvBlock<int8_t>& to, const V& first, const V& second) {
    constexpr float kLargest = 127.0F;
    constexpr float kLargestSum = kLargest * static_cast<float>(kKvBlock);
    constexpr uint16_t kHalfNaN = 0x7E00;
    const float m = V::max(V::abs(first), V::abs(second)).maxLane();
    uint16_t scales[kLanes];
    V::broadcast(m / kLargest).storeF16(scales);
    float scale[kLanes];
    V::expandF16(scales).store(scale);
    const V inverse = V::broadcast(scale[0] == 0.0F ? 0.0F : 1.0F / scale[0]);
    const V q1 = quantum(first, inverse);
    const V q2 = quantum(second, inverse);
    const float sum = V::add(q1, q2).sum();
    to = {kHalfNaN, {}};
    if (!(sum >= -kLargestSum && sum <= kLargestSum)) return;  // a NaN or an infinity
    to.scale = scales[0];
    q1.storeI8(to.element);
    q2.storeI8(to.element + kLanes);
  }

 private:
  static V quantum(const V& x, const V& inverse) {
    const V round = V::broadcast(0x1.8p+23F);  // adding it rounds to a whole number
    const V q = V::sub(V::add(V::mul(x, inverse), round), round);
    // A NaN stays, because it is the second operand.
    return V::min(V::broadcast(127.0F), V::max(V::broadcast(-127.0F), q));
  }
};

}  // namespace tandem

#endif  // TANDEM_KERNELS_KV_FORMATS_H_
