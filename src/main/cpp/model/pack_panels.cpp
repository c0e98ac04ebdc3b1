#include "model/pack_panels.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/sizes.h"

namespace tandem {
namespace {

// What is added to four elements at once, and what a zero weight is stored as.
template <class Panel>
struct Stored;
template <>
struct Stored<Q8Panel> {
  static constexpr uint32_t kFlip = 0x80808080U;  // from -128 .. 127 to 0 .. 255
  static constexpr uint32_t kZeros = 0x80808080U;
};
template <>
struct Stored<Q4Panel> {
  static constexpr uint32_t kFlip = 0;  // nibbles are unsigned in the file
  static constexpr uint32_t kZeros = 0x88888888U;
};

// Block `block` of up to 16 rows; the others are zero.
template <class Panel>
void packBlock(Panel& dst, const unsigned char* src, int64_t nRows, int64_t rowBytes) {
  constexpr size_t kWords = std::extent_v<decltype(Panel::w)>;
  constexpr size_t kScaleBytes = sizeof dst.scale[0];
  for (int64_t row = 0; row < kPanelOutputs; ++row) {
    const unsigned char* from = src + row * rowBytes;
    uint32_t words[kWords];
    if (row < nRows) {
      std::memcpy(&dst.scale[row], from, kScaleBytes);
      std::memcpy(words, from + kScaleBytes, sizeof words);
      for (uint32_t& word : words) word ^= Stored<Panel>::kFlip;
    } else {
      dst.scale[row] = 0;
      std::fill(words, words + kWords, Stored<Panel>::kZeros);
    }
    for (size_t i = 0; i < kWords; ++i) std::memcpy(dst.w[i][row], &words[i], sizeof words[i]);
  }
}

template <class Panel>
void pack(Panel* dst, const td_tensor& t, ThreadPool& pool) {
  constexpr auto kStoredBytes = static_cast<int64_t>(sizeof(Panel)) / kPanelOutputs;
  const int64_t nBlocks = t.cols / kBlockElements;
  const int64_t rowBytes = nBlocks * kStoredBytes;
  pool.run(ceilDiv(t.rows, kPanelOutputs), [&](int64_t panel, int) {
    const int64_t row = panel * kPanelOutputs;
    const int64_t nRows = std::min(kPanelOutputs, t.rows - row);
    const auto* src = static_cast<const unsigned char*>(t.data) + row * rowBytes;
    for (int64_t i = 0; i < nBlocks; ++i) {
      packBlock(dst[panel * nBlocks + i], src + i * kStoredBytes, nRows, rowBytes);
    }
  });
}

}  // namespace

void packPanels(Q8Panel* dst, const td_tensor& tensor, ThreadPool& pool) {
  pack(dst, tensor, pool);
}

void packPanels(Q4Panel* dst, const td_tensor& tensor, ThreadPool& pool) {
  pack(dst, tensor, pool);
}

}  // namespace tandem
