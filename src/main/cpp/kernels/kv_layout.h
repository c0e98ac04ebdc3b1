// The layout of the KV cache of one KV head in memory.
//
// K lies in groups of 16 positions, element by element, so that one vector holds the same element
// of 16 keys. V lies position by position. Both are cut along headDim into blocks of 32 elements;
// the last block may be shorter. In types with a scale each block begins with it:
//
//   V, one block of one position     scale, then its n <= 32 elements
//   K, one block of one group        16 scales, then n vectors of 16 positions
//
// f32 and f16 are rounded to nearest, ties to even. For a q8_0 block, m is the largest magnitude
// and the scale s is m / 127 rounded to f16. An element is x * (1 / s), rounded to the nearest
// whole number, ties to even, and clamped to +-127; if s is zero, all elements are zero. A block
// with a NaN, an infinity or an m too large for s reads as NaN. Reading gives q * s, which is exact
// in f32.
#ifndef TANDEM_KERNELS_KV_LAYOUT_H_
#define TANDEM_KERNELS_KV_LAYOUT_H_

#include <cstdint>

namespace tandem {

enum class KvType { kF32, kF16, kQ8 };
inline constexpr int kKvTypes = 3;

inline constexpr int64_t kKvGroup = 16;  // positions in one group of K
inline constexpr int64_t kKvBlock = 32;  // elements along headDim that share a scale

// Bytes of K, and of V, of one position of one head; a group of K has 16 times as many.
constexpr int64_t kvRowBytes(KvType type, int64_t headDim) {
  switch (type) {
    case KvType::kF32:
      return headDim * 4;
    case KvType::kF16:
      return headDim * 2;
    default:
      return headDim + (headDim + kKvBlock - 1) / kKvBlock * 2;
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_KV_LAYOUT_H_
