// IEEE half precision in portable arithmetic: what the conversion instructions do.
#ifndef TANDEM_KERNELS_SCALAR_HALF_H_
#define TANDEM_KERNELS_SCALAR_HALF_H_

#include <cstdint>
#include <cstring>

namespace tandem::scalar {

inline uint32_t bitsOf(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float floatOf(uint32_t bits) {
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline float floatFromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t magnitude = half & 0x7FFFU;
  if (magnitude < 0x0400U) {  // zero and subnormals: multiples of 2^-24
    return floatOf(sign | bitsOf(static_cast<float>(magnitude) * 0x1p-24F));
  }
  if (magnitude < 0x7C00U) return floatOf(sign | ((magnitude << 13) + 0x38000000U));
  const uint32_t quiet = magnitude > 0x7C00U ? 0x00400000U : 0U;
  return floatOf(sign | 0x7F800000U | (magnitude << 13) | quiet);
}

// Rounds to nearest, ties to even.
inline uint16_t halfFromFloat(float x) {
  const uint32_t bits = bitsOf(x);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  uint32_t half = 0;
  if (magnitude > 0x7F800000U) {
    half = 0x7E00U | ((magnitude >> 13) & 0x03FFU);
  } else if (magnitude >= 0x477FF000U) {  // 65520 and above
    half = 0x7C00U;
  } else if (magnitude < 0x38800000U) {  // below 2^-14: adding 1/2 rounds to a multiple of 2^-24
    half = bitsOf(floatOf(magnitude) + 0.5F) - bitsOf(0.5F);
  } else {
    half = (magnitude + 0x0FFFU + ((magnitude >> 13) & 1U) - 0x38000000U) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

}  // namespace tandem::scalar

#endif  // TANDEM_KERNELS_SCALAR_HALF_H_
