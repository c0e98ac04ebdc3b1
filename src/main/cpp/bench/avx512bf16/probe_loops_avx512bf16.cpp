#include "bench/peak_loops.h"
#include "kernels/avx512bf16/format.h"

namespace tandem {

constexpr PeakLoop kAvx512Bf16DotPeak = dotPeak<avx512bf16::Format>();

}  // namespace tandem
