// Quantised weights as the kernels read them: panels of 16 outputs, block after block, so that one
// vector holds the same four elements of k for all 16. What GGUF stores is the same bytes in
// another order; load puts them in this one.
#ifndef TANDEM_KERNELS_PANELS_H_
#define TANDEM_KERNELS_PANELS_H_

#include <cstdint>

namespace tandem {

inline constexpr int64_t kPanelOutputs = 16;
inline constexpr int64_t kBlockElements = 32;  // that share a scale, of weights and of activations

// One block of 16 outputs.
struct Q8Panel {
  uint16_t scale[kPanelOutputs];   // IEEE half
  uint8_t w[8][kPanelOutputs][4];  // w[i][o][j] is element 4 i + j of output o, plus 128
};
struct Q4Panel {
  uint16_t scale[kPanelOutputs];
  // The low nibble of w[i][o][j] is element 4 i + j of output o, the high one element 16 + 4 i + j;
  // both plus 8.
  uint8_t w[4][kPanelOutputs][4];
};
static_assert(sizeof(Q8Panel) == 16 * 34 && sizeof(Q4Panel) == 16 * 18);

// 32 activations, q[k] * scale.
struct ActivationBlock {
  float scale;
  int32_t sum;               // of q
  int8_t q[kBlockElements];  // from -127 to 127
};
static_assert(sizeof(ActivationBlock) == 40);

}  // namespace tandem

#endif  // TANDEM_KERNELS_PANELS_H_
