// What the KV cache of one KV head looks like in memory.
//
// K lies in panels of 16 positions, element by element, so that one vector holds the same element
// of 16 keys; V lies position by position. Both are cut along headDim into chunks of 32 elements,
// of which the last may be shorter. In types with a scale each chunk begins with it:
//
//   V, one chunk of one position     scale, then its n <= 32 elements
//   K, one chunk of one panel        16 scales, then n vectors of 16 positions
//
// f32 and f16 are rounded to nearest, ties to even. Of a q8_0 chunk m is the largest magnitude; its
// scale s is m / 127 rounded to f16, and an element is x * (1 / s), rounded to the nearest whole
// number, ties to even, and clamped to +-127; all are zero where s is. A chunk with a NaN, an
// infinity or an m too large for s reads as NaN. What is read back is q * s, which is exact in f32.
#ifndef TANDEM_KERNELS_KV_LAYOUT_H_
#define TANDEM_KERNELS_KV_LAYOUT_H_

#include <cstdint>

namespace tandem {

enum class KvType { kF32, kF16, kQ8 };
inline constexpr int kKvTypes = 3;

inline constexpr int64_t kKvPanel = 16;  // positions in one panel of K
inline constexpr int64_t kKvChunk = 32;  // elements along headDim that share a scale

// Bytes of K, and of V, of one position of one head; a panel of K has 16 times as many.
constexpr int64_t kvRowBytes(KvType type, int64_t headDim) {
  switch (type) {
    case KvType::kF32:
      return headDim * 4;
    case KvType::kF16:
      return headDim * 2;
    default:
      return headDim + (headDim + kKvChunk - 1) / kKvChunk * 2;
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_KV_LAYOUT_H_
