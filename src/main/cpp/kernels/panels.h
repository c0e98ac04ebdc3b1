// Quantised weights in the form that the kernels read: panels of 16 outputs, block after block, so
// that one vector holds the same four elements of k for all 16. GGUF stores the same numbers in
// another order; loading a model reorders them.
#ifndef TANDEM_KERNELS_PANELS_H_
#define TANDEM_KERNELS_PANELS_H_

#include <cstdint>

namespace tandem {

inline constexpr int64_t kPanelOutputs = 16;
inline constexpr int64_t kBlockElements = 32;  // that share a scale, of weights and of activations

// One block of 16 outputs. It spans kBlocks blocks of activations.
struct Q8Panel {
  static constexpr int64_t kBlocks = 1;
  uint16_t scale[kPanelOutputs];   // IEEE half
  uint8_t w[8][kPanelOutputs][4];  // w[i][o][j] is element 4 i + j of output o, plus 128
};
struct Q4Panel {
  static constexpr int64_t kBlocks = 1;
  uint16_t scale[kPanelOutputs];
  // The low nibble of w[i][o][j] is element 4 i + j of output o, the high one element 16 + 4 i + j;
  // both plus 8.
  uint8_t w[4][kPanelOutputs][4];
};
// Element k of block b is scale * scales[b] * q - min * mins[b]. The six-bit numbers that a file
// packs have a byte each here: 148 bytes instead of 144, but no product has to unpack them.
struct Q4KPanel {
  static constexpr int64_t kBlocks = 8;
  uint16_t scale[kPanelOutputs], min[kPanelOutputs];
  int8_t scales[kBlocks][kPanelOutputs], mins[kBlocks][kPanelOutputs];  // from 0 to 63
  uint8_t w[kBlocks][4][kPanelOutputs][4];                              // q, as in a Q4Panel
};
// Element k of block b is scale * scales[2 b + k / 16] * (q - 32).
struct Q6KPanel {
  static constexpr int64_t kBlocks = 8;
  uint16_t scale[kPanelOutputs];
  int8_t scales[2 * kBlocks][kPanelOutputs];
  uint8_t low[kBlocks][4][kPanelOutputs][4];  // four bits of q, as in a Q4Panel
  // Bits 2 i and 2 i + 1 of high[b][h][o][j] are the upper two of element 16 h + 4 i + j.
  uint8_t high[kBlocks][2][kPanelOutputs][4];
};
static_assert(sizeof(Q8Panel) == 16 * 34 && sizeof(Q4Panel) == 16 * 18);
static_assert(sizeof(Q4KPanel) == 16 * 148 && sizeof(Q6KPanel) == 16 * 210);

template <class Panel>
inline constexpr int64_t kPanelElements = Panel::kBlocks* kBlockElements;

// 32 activations, q[k] * scale.
struct ActivationBlock {
  float scale;
  int16_t halfSums[2];       // of the first 16 and of the last 16 q
  int8_t q[kBlockElements];  // from -127 to 127

  int32_t sum() const { return halfSums[0] + halfSums[1]; }
};
static_assert(sizeof(ActivationBlock) == 40);

}  // namespace tandem

#endif  // TANDEM_KERNELS_PANELS_H_
