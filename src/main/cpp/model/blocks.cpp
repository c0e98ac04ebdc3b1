#include "model/blocks.h"

#include <array>
#include <cstring>

#include "kernels/scalar/half.h"

namespace tandem {
namespace {

// Every formula has one rounding: products of an f16 factor and small integers are exact in f32.

constexpr int64_t kNibbleBytes = 16;
constexpr std::array<int8_t, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

float halfAt(const unsigned char* src) {
  uint16_t half = 0;
  std::memcpy(&half, src, sizeof half);
  return scalar::floatFromHalf(half);
}

int low(unsigned char byte) { return byte & 0x0F; }
int high(unsigned char byte) { return byte >> 4; }

// Elements of a block of 32 as bytes: loops over all 32 of them become vector instructions.
using Bytes32 = std::array<unsigned char, 32>;

Bytes32 nibbles32(const unsigned char* pairs) {
  Bytes32 q;
  for (size_t i = 0; i < kNibbleBytes; ++i) {
    q[i] = pairs[i] & 15U;
    q[i + kNibbleBytes] = static_cast<unsigned char>(pairs[i] >> 4);
  }
  return q;
}

void scale32(float* dst, const Bytes32& q, int zero, float d, float m) {
  for (size_t i = 0; i < q.size(); ++i) dst[i] = static_cast<float>(q[i] - zero) * d + m;
}

// (q - zero) * d + m
void decodeQ4(float* dst, const unsigned char* nibbles, int zero, float d, float m) {
  scale32(dst, nibbles32(nibbles), zero, d, m);
}

// The same with a fifth bit per element, in the 32 bits before the nibbles.
void decodeQ5(float* dst, const unsigned char* bits, int zero, float d, float m) {
  uint32_t fifths = 0;
  std::memcpy(&fifths, bits, sizeof fifths);
  Bytes32 q = nibbles32(bits + sizeof fifths);
  for (size_t i = 0; i < q.size(); ++i) {
    q[i] = static_cast<unsigned char>(q[i] | (fifths >> i & 1U) << 4);
  }
  scale32(dst, q, zero, d, m);
}

void decodeQ8(float* dst, const unsigned char* src) {
  const float d = halfAt(src);
  for (int64_t i = 0; i < 32; ++i) {
    dst[i] = static_cast<float>(static_cast<int8_t>(src[2 + i])) * d;
  }
}

void decodeIq4(float* dst, const unsigned char* src) {
  const float d = halfAt(src);
  for (int64_t i = 0; i < kNibbleBytes; ++i) {
    const unsigned char pair = src[2 + i];
    dst[i] = static_cast<float>(kIq4Values[static_cast<size_t>(low(pair))]) * d;
    dst[i + kNibbleBytes] = static_cast<float>(kIq4Values[static_cast<size_t>(high(pair))]) * d;
  }
}

// Q4_K, or Q5_K where highBits is not null: eight groups of 32. Bit g of highBits[l] is the fifth
// bit of element l of group g.
void decodeK4(float* dst, const unsigned char* src, const unsigned char* highBits,
              const unsigned char* nibbles) {
  const float d = halfAt(src);
  const float dMin = halfAt(src + 2);
  for (int64_t group = 0; group < 8; ++group) {
    const GroupFactors factors = groupFactors(src + 4, group);
    const float scale = d * static_cast<float>(factors.scale);
    const float min = dMin * static_cast<float>(factors.min);
    const unsigned char* pairs = nibbles + group / 2 * 32;
    for (int64_t l = 0; l < 32; ++l) {
      int q = group % 2 == 0 ? low(pairs[l]) : high(pairs[l]);
      if (highBits != nullptr) q |= (highBits[l] >> group & 1) << 4;
      dst[group * 32 + l] = scale * static_cast<float>(q) - min;
    }
  }
}

// Two halves of 128 elements, each with 64 bytes of low nibbles, 32 of high bits, 8 scales.
void decodeK6(float* dst, const unsigned char* src) {
  const float d = halfAt(src + 208);
  for (int64_t group = 0; group < 16; ++group) {  // of 16 elements and one scale
    const int64_t half = group / 8;
    const int64_t quarter = group % 8 / 2;
    const int64_t begin = group % 2 * 16;  // within the quarter
    const unsigned char* nibbles = src + half * 64 + quarter % 2 * 32 + begin;
    const unsigned char* highBits = src + 128 + half * 32 + begin;
    const int shift = quarter < 2 ? 0 : 4;
    const int highShift = static_cast<int>(2 * quarter);
    const float scale = d * static_cast<float>(static_cast<int8_t>(src[192 + group]));
    for (int64_t l = 0; l < 16; ++l) {
      const int q = (nibbles[l] >> shift & 15) | (highBits[l] >> highShift & 3) << 4;
      dst[group * 16 + l] = scale * static_cast<float>(q - 32);
    }
  }
}

void decodeBlock(float* dst, DType dtype, const unsigned char* src) {
  switch (dtype) {
    case DType::kQ40:
      return decodeQ4(dst, src + 2, 8, halfAt(src), 0.0F);
    case DType::kQ41:
      return decodeQ4(dst, src + 4, 0, halfAt(src), halfAt(src + 2));
    case DType::kQ50:
      return decodeQ5(dst, src + 2, 16, halfAt(src), 0.0F);
    case DType::kQ51:
      return decodeQ5(dst, src + 4, 0, halfAt(src), halfAt(src + 2));
    case DType::kQ80:
      return decodeQ8(dst, src);
    case DType::kQ4K:
      return decodeK4(dst, src, nullptr, src + 16);
    case DType::kQ5K:
      return decodeK4(dst, src, src + 16, src + 48);
    case DType::kQ6K:
      return decodeK6(dst, src);
    default:
      return decodeIq4(dst, src);
  }
}

}  // namespace

// For the last four groups, two bits are stored above those of the first four.
GroupFactors groupFactors(const unsigned char* packed, int64_t group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {low(packed[group + 4]) | (packed[group - 4] >> 6) << 4,
          high(packed[group + 4]) | (packed[group] >> 6) << 4};
}

BlockShape blockShape(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return {1, 4};
    case DType::kF16:
    case DType::kBf16:
      return {1, 2};
    case DType::kQ41:
      return {32, 20};
    case DType::kQ50:
      return {32, 22};
    case DType::kQ51:
      return {32, 24};
    case DType::kQ80:
      return {32, 34};
    case DType::kQ4K:
      return {256, 144};
    case DType::kQ5K:
      return {256, 176};
    case DType::kQ6K:
      return {256, 210};
    case DType::kQ40:
    case DType::kIq4Nl:
      break;
  }
  return {32, 18};
}

void decodeBlocks(float* dst, DType dtype, const unsigned char* src, int64_t nBlocks) {
  const BlockShape shape = blockShape(dtype);
  for (int64_t i = 0; i < nBlocks; ++i) {
    decodeBlock(dst + i * shape.elements, dtype, src + i * shape.bytes);
  }
}

}  // namespace tandem
