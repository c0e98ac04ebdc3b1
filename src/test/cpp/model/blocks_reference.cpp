#include "model/blocks_reference.h"

#include <cmath>

#include "kernels/scalar/half.h"

namespace tandem {
namespace {

// A block as one long number, its first byte the lowest.
struct Bits {
  const unsigned char* bytes;

  int at(int64_t bit) const { return bytes[bit / 8] / (1 << bit % 8) % 2; }
  int number(int64_t firstBit, int n) const {
    int value = 0;
    for (int i = n - 1; i >= 0; --i) value = 2 * value + at(firstBit + i);
    return value;
  }
  int byte(int64_t offset) const { return number(8 * offset, 8); }
  int signedByte(int64_t offset) const { return byte(offset) - 256 * at(8 * offset + 7); }
  double half(int64_t offset) const {
    const int mantissa = number(8 * offset, 10);
    const int exponent = number(8 * offset + 10, 5);
    const double sign = at(8 * offset + 15) == 1 ? -1.0 : 1.0;
    if (exponent == 0) return sign * std::ldexp(mantissa, -24);
    return sign * std::ldexp(1024 + mantissa, exponent - 25);
  }
  // Element i of 32, in 16 bytes of nibbles.
  int nibble(int64_t offset, int64_t i) const {
    return number(8 * (offset + i % 16) + (i < 16 ? 0 : 4), 4);
  }
};

double iq4(int index) {
  const double values[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                           1,    13,   25,  38,  53,  69,  89,  113};
  return values[index];
}

// Q4_K, or Q5_K where there are 32 bytes of fifth bits between the scales and the nibbles.
double superBlock(const Bits& b, int64_t fifthBytes, int64_t i) {
  const int64_t group = i / 32, l = i % 32;
  int scale = 0, min = 0;
  if (group < 4) {
    scale = b.number(8 * (4 + group), 6);
    min = b.number(8 * (8 + group), 6);
  } else {
    scale = b.number(8 * (8 + group), 4) + 16 * b.number(8 * group + 6, 2);
    min = b.number(8 * (8 + group) + 4, 4) + 16 * b.number(8 * (4 + group) + 6, 2);
  }
  int q = b.number(8 * (16 + fifthBytes + 32 * (group / 2) + l) + 4 * (group % 2), 4);
  if (fifthBytes > 0) q += 16 * b.at(8 * (16 + l) + group);
  return b.half(0) * scale * q - b.half(2) * min;
}

double q6(const Bits& b, int64_t i) {
  const int64_t half = i / 128, quarter = i % 128 / 32, l = i % 32;
  const int lowBits = b.number(8 * (64 * half + 32 * (quarter % 2) + l) + 4 * (quarter / 2), 4);
  const int highBits = b.number(8 * (128 + 32 * half + l) + 2 * quarter, 2);
  const int scale = b.signedByte(192 + 8 * half + 2 * quarter + l / 16);
  return b.half(208) * scale * (lowBits + 16 * highBits - 32);
}

}  // namespace

const std::vector<BlockType>& blockTypes() {
  static const std::vector<BlockType> types = {
      {DType::kQ40, "Q4_0", 32, 18, {0}, 8},
      {DType::kQ41, "Q4_1", 32, 20, {0, 2}, 16},
      {DType::kQ50, "Q5_0", 32, 22, {0}, 16},
      {DType::kQ51, "Q5_1", 32, 24, {0, 2}, 32},
      {DType::kQ80, "Q8_0", 32, 34, {0}, 128},
      {DType::kIq4Nl, "IQ4_NL", 32, 18, {0}, 127},
      {DType::kQ4K, "Q4_K", 256, 144, {0, 2}, 63 * 15},
      {DType::kQ5K, "Q5_K", 256, 176, {0, 2}, 63 * 31},
      {DType::kQ6K, "Q6_K", 256, 210, {208}, 128 * 32},
  };
  return types;
}

double halfAt(const unsigned char* bytes) { return Bits{bytes}.half(0); }

double blockElement(const BlockType& type, const unsigned char* block, int64_t i) {
  const Bits b{block};
  switch (type.dtype) {
    case DType::kQ40:
      return (b.nibble(2, i) - 8) * b.half(0);
    case DType::kQ41:
      return b.nibble(4, i) * b.half(0) + b.half(2);
    case DType::kQ50:
      return (b.nibble(6, i) + 16 * b.at(16 + i) - 16) * b.half(0);
    case DType::kQ51:
      return (b.nibble(8, i) + 16 * b.at(32 + i)) * b.half(0) + b.half(2);
    case DType::kQ80:
      return b.signedByte(2 + i) * b.half(0);
    case DType::kIq4Nl:
      return iq4(b.nibble(2, i)) * b.half(0);
    case DType::kQ4K:
      return superBlock(b, 0, i);
    case DType::kQ5K:
      return superBlock(b, 32, i);
    case DType::kQ6K:
      return q6(b, i);
    default:
      ADD_FAILURE() << "no block type " << type.name;
      return 0.0;
  }
}

std::vector<float> referenceValues(const BlockType& type,
                                   const std::vector<unsigned char>& blocks) {
  std::vector<float> values;
  for (size_t at = 0; at < blocks.size(); at += static_cast<size_t>(type.bytes)) {
    for (int64_t i = 0; i < type.elements; ++i) {
      values.push_back(static_cast<float>(blockElement(type, blocks.data() + at, i)));
    }
  }
  return values;
}

std::vector<unsigned char> randomBlocks(const BlockType& type, Random& random, int64_t nBlocks,
                                        double scale) {
  std::vector<unsigned char> blocks(static_cast<size_t>(nBlocks * type.bytes));
  for (unsigned char& byte : blocks) byte = static_cast<unsigned char>(random.between(0, 255));
  for (int64_t block = 0; block < nBlocks; ++block) {
    for (const int64_t factor : type.factors) {
      unsigned char* at = blocks.data() + block * type.bytes + factor;
      if (scale > 0.0) {
        const double value = scale / type.largest * (1.0 + random.real() / 2.0);
        const uint16_t half = scalar::halfFromFloat(static_cast<float>(value));
        std::memcpy(at, &half, sizeof half);
      } else if (at[1] % 128 >= 124) {  // all exponent bits: not finite
        at[1] = static_cast<unsigned char>(random.between(0, 1) * 128);  // zero or subnormal
        at[0] = static_cast<unsigned char>(random.between(0, 3));
      }
    }
  }
  return blocks;
}

}  // namespace tandem
