#include "model/encode_blocks.h"

#include <algorithm>
#include <cmath>

#include "kernels/kernel_testing.h"
#include "kernels/scalar/half.h"

namespace tandem {
namespace {

void appendHalf(std::vector<unsigned char>& to, uint16_t half) {
  to.push_back(static_cast<unsigned char>(half & 0xFF));
  to.push_back(static_cast<unsigned char>(half >> 8));
}

constexpr int64_t kBlock = 32;

// The nearest whole number in units of the scale, within the limits.
int quantum(float x, float scale, int low, int high) {
  const int q = scale == 0.0F ? 0 : static_cast<int>(std::lround(x / scale));
  return std::min(high, std::max(low, q));
}

// A block of the quantised types: symmetric ones around zero, q4_1 from its least element on.
void encodeBlock(std::vector<unsigned char>& to, td_dtype dtype, const float* x) {
  const auto [least, largest] = std::minmax_element(x, x + kBlock);
  const float m = std::max(-*least, *largest);
  if (dtype == TD_Q8_0) {
    const uint16_t scale = scalar::halfFromFloat(m / 127.0F);
    appendHalf(to, scale);
    for (int64_t k = 0; k < kBlock; ++k) {
      const int q = quantum(x[k], scalar::floatFromHalf(scale), -127, 127);
      to.push_back(static_cast<unsigned char>(q & 0xFF));
    }
    return;
  }
  const bool offset = dtype == TD_Q4_1;
  const uint16_t scale = scalar::halfFromFloat(offset ? (*largest - *least) / 15.0F : m / 7.0F);
  const uint16_t zero = scalar::halfFromFloat(offset ? *least : 0.0F);
  appendHalf(to, scale);
  if (offset) appendHalf(to, zero);
  const auto nibble = [&](int64_t k) {
    const float s = scalar::floatFromHalf(scale);
    return offset ? quantum(x[k] - scalar::floatFromHalf(zero), s, 0, 15)
                  : quantum(x[k], s, -8, 7) + 8;
  };
  for (int64_t k = 0; k < kBlock / 2; ++k) {
    to.push_back(static_cast<unsigned char>(nibble(k) | nibble(k + kBlock / 2) << 4));
  }
}

constexpr int64_t kSuperblock = 256;

float roundedToHalf(float x) { return scalar::floatFromHalf(scalar::halfFromFloat(x)); }

// Eight groups of 32, each from its least element on.
void encodeQ4K(std::vector<unsigned char>& to, const float* x) {
  float scales[8], mins[8];
  for (int64_t g = 0; g < 8; ++g) {
    const auto [least, largest] = std::minmax_element(x + g * kBlock, x + (g + 1) * kBlock);
    mins[g] = std::max(0.0F, -*least);
    scales[g] = (*largest + mins[g]) / 15.0F;
  }
  const float d = roundedToHalf(*std::max_element(scales, scales + 8) / 63.0F);
  const float dMin = roundedToHalf(*std::max_element(mins, mins + 8) / 63.0F);
  appendHalf(to, scalar::halfFromFloat(d));
  appendHalf(to, scalar::halfFromFloat(dMin));
  int packed[12] = {};
  int nibbles[128] = {};
  for (int64_t g = 0; g < 8; ++g) {
    const int scale = quantum(scales[g], d, 0, 63), min = quantum(mins[g], dMin, 0, 63);
    if (g < 4) {
      packed[g] |= scale;
      packed[g + 4] |= min;
    } else {
      packed[g + 4] |= scale % 16 | min % 16 << 4;
      packed[g - 4] |= scale / 16 << 6;
      packed[g] |= min / 16 << 6;
    }
    for (int64_t k = 0; k < kBlock; ++k) {
      const float above = x[g * kBlock + k] + dMin * static_cast<float>(min);
      const int q = quantum(above, d * static_cast<float>(scale), 0, 15);
      nibbles[g / 2 * kBlock + k] |= q << (g % 2 * 4);
    }
  }
  for (const int byte : packed) to.push_back(static_cast<unsigned char>(byte));
  for (const int byte : nibbles) to.push_back(static_cast<unsigned char>(byte));
}

// Sixteen groups of 16; the element of the largest magnitude is -32 scales, which may be negative.
void encodeQ6K(std::vector<unsigned char>& to, const float* x) {
  float scales[16];
  float m = 0.0F;
  for (int64_t g = 0; g < 16; ++g) {
    const auto [least, largest] = std::minmax_element(x + g * 16, x + (g + 1) * 16);
    scales[g] = (-*least > *largest ? *least : *largest) / -32.0F;
    m = std::max(m, std::fabs(scales[g]));
  }
  const float d = roundedToHalf(m / 127.0F);
  int low[128] = {}, high[64] = {}, factors[16] = {};
  for (int64_t g = 0; g < 16; ++g) {
    factors[g] = quantum(scales[g], d, -128, 127);
    for (int64_t k = g * 16; k < (g + 1) * 16; ++k) {
      const int q = quantum(x[k], d * static_cast<float>(factors[g]), -32, 31) + 32;
      const int64_t half = k / 128, quarter = k % 128 / 32, l = k % 32;
      low[half * 64 + quarter % 2 * 32 + l] |= q % 16 << (quarter / 2 * 4);
      high[half * 32 + l] |= q / 16 << (2 * quarter);
    }
  }
  for (const int byte : low) to.push_back(static_cast<unsigned char>(byte));
  for (const int byte : high) to.push_back(static_cast<unsigned char>(byte));
  for (const int factor : factors) to.push_back(static_cast<unsigned char>(factor & 0xFF));
  appendHalf(to, scalar::halfFromFloat(d));
}

}  // namespace

void encode(std::vector<unsigned char>& to, td_dtype dtype, const float* x, int64_t n) {
  if (dtype == TD_F16) {
    for (int64_t i = 0; i < n; ++i) appendHalf(to, scalar::halfFromFloat(x[i]));
  } else if (dtype == TD_BF16) {
    for (int64_t i = 0; i < n; ++i) appendHalf(to, static_cast<uint16_t>(bitsOfFloat(x[i]) >> 16));
  } else if (dtype == TD_Q4_K) {
    for (int64_t i = 0; i < n; i += kSuperblock) encodeQ4K(to, x + i);
  } else if (dtype == TD_Q6_K) {
    for (int64_t i = 0; i < n; i += kSuperblock) encodeQ6K(to, x + i);
  } else {
    for (int64_t i = 0; i < n; i += kBlock) encodeBlock(to, dtype, x + i);
  }
}

}  // namespace tandem
