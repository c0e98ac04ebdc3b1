#include "model/pack_panels.h"

#include <algorithm>
#include <cstring>

#include "core/sizes.h"
#include "model/blocks.h"

namespace tandem {
namespace {

// Four elements of a row at once.
uint32_t wordAt(const unsigned char* from) {
  uint32_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

void put(uint8_t (&to)[4], uint32_t word) { std::memcpy(to, &word, sizeof word); }

void putHalf(uint16_t& to, const unsigned char* from) { std::memcpy(&to, from, sizeof to); }

constexpr uint32_t kLowNibbles = 0x0F0F0F0FU;
constexpr uint32_t kLowPairs = 0x03030303U;

// Each writes one of GGUF's blocks of one output to its place in a panel.
struct Q8 {
  using Panel = Q8Panel;
  static constexpr DType kType = DType::kQ80;

  static void pack(Panel& to, int64_t output, const unsigned char* from) {
    constexpr uint32_t kFlip = 0x80808080U;  // from -128 .. 127 to 0 .. 255
    putHalf(to.scale[output], from);
    for (int64_t i = 0; i < 8; ++i) put(to.w[i][output], wordAt(from + 2 + 4 * i) ^ kFlip);
  }
};

struct Q4 {
  using Panel = Q4Panel;
  static constexpr DType kType = DType::kQ40;

  static void pack(Panel& to, int64_t output, const unsigned char* from) {
    putHalf(to.scale[output], from);
    for (int64_t i = 0; i < 4; ++i) put(to.w[i][output], wordAt(from + 2 + 4 * i));
  }
};

// 32 bytes of a file's nibbles are two blocks of 32; here nibbles of one byte are 16 elements
// apart.
struct Q4K {
  using Panel = Q4KPanel;
  static constexpr DType kType = DType::kQ4K;

  static void pack(Panel& to, int64_t output, const unsigned char* from) {
    putHalf(to.scale[output], from);
    putHalf(to.min[output], from + 2);
    for (int64_t block = 0; block < Panel::kBlocks; ++block) {
      const GroupFactors factors = groupFactors(from + 4, block);
      to.scales[block][output] = static_cast<int8_t>(factors.scale);
      to.mins[block][output] = static_cast<int8_t>(factors.min);
      const unsigned char* pairs = from + 16 + block / 2 * 32;
      const auto shift = static_cast<uint32_t>(block % 2 * 4);
      for (int64_t i = 0; i < 4; ++i) {
        const uint32_t first = wordAt(pairs + 4 * i) >> shift & kLowNibbles;
        const uint32_t second = wordAt(pairs + 16 + 4 * i) >> shift & kLowNibbles;
        put(to.w[block][i][output], first | second << 4);
      }
    }
  }
};

struct Q6K {
  using Panel = Q6KPanel;
  static constexpr DType kType = DType::kQ6K;

  static void pack(Panel& to, int64_t output, const unsigned char* from) {
    putHalf(to.scale[output], from + 208);
    for (int64_t i = 0; i < 16; ++i) {
      to.scales[i][output] = static_cast<int8_t>(from[192 + i]);
    }
    for (int64_t block = 0; block < Panel::kBlocks; ++block) {
      const int64_t half = block / 4, quarter = block % 4;
      packBlock(to, output, block, from + half * 64 + quarter % 2 * 32, quarter / 2 * 4,
                from + 128 + half * 32, quarter * 2);
    }
  }

 private:
  // The block's low nibbles are the bits from lowShift on of 32 bytes, its upper pairs of bits
  // those from highShift on of 32 others.
  static void packBlock(Panel& to, int64_t output, int64_t block, const unsigned char* low,
                        int64_t lowShift, const unsigned char* high, int64_t highShift) {
    uint32_t pieces[2] = {0, 0};
    for (int64_t i = 0; i < 4; ++i) {
      const uint32_t first = wordAt(low + 4 * i) >> lowShift & kLowNibbles;
      const uint32_t second = wordAt(low + 16 + 4 * i) >> lowShift & kLowNibbles;
      put(to.low[block][i][output], first | second << 4);
      for (int64_t h = 0; h < 2; ++h) {
        pieces[h] |= (wordAt(high + 16 * h + 4 * i) >> highShift & kLowPairs) << 2 * i;
      }
    }
    for (int64_t h = 0; h < 2; ++h) put(to.high[block][h][output], pieces[h]);
  }
};

// A block of zeros for the missing rows of the last panel.
constexpr unsigned char kZeroBlock[210] = {};

template <class Format>
void pack(typename Format::Panel* dst, const Tensor& t, ThreadPool& pool) {
  const BlockShape shape = blockShape(Format::kType);
  static_assert(sizeof(typename Format::Panel) / kPanelOutputs <= sizeof kZeroBlock);
  const int64_t nBlocks = t.cols / shape.elements;
  const int64_t rowBytes = nBlocks * shape.bytes;
  pool.run(ceilDiv(t.rows, kPanelOutputs), [&](int64_t panel, int) {
    const int64_t row = panel * kPanelOutputs;
    const int64_t nRows = std::min(kPanelOutputs, t.rows - row);
    const auto* src = static_cast<const unsigned char*>(t.data) + row * rowBytes;
    for (int64_t i = 0; i < nBlocks; ++i) {
      auto& to = dst[panel * nBlocks + i];
      const unsigned char* from = src + i * shape.bytes;
      for (int64_t o = 0; o < nRows; ++o) Format::pack(to, o, from + o * rowBytes);
      for (int64_t o = nRows; o < kPanelOutputs; ++o) Format::pack(to, o, kZeroBlock);
    }
  });
}

}  // namespace

void packPanels(Q8Panel* dst, const Tensor& tensor, ThreadPool& pool) {
  pack<Q8>(dst, tensor, pool);
}

void packPanels(Q4Panel* dst, const Tensor& tensor, ThreadPool& pool) {
  pack<Q4>(dst, tensor, pool);
}

void packPanels(Q4KPanel* dst, const Tensor& tensor, ThreadPool& pool) {
  pack<Q4K>(dst, tensor, pool);
}

void packPanels(Q6KPanel* dst, const Tensor& tensor, ThreadPool& pool) {
  pack<Q6K>(dst, tensor, pool);
}

}  // namespace tandem
