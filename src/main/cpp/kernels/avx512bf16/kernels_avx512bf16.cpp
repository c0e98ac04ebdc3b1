#include "kernels/avx512bf16/format.h"
#include "kernels/table.h"

namespace tandem {

constexpr Bf16DotKernels kAvx512Bf16Dots = {&avx512bf16::roundRow, &matmul<avx512bf16::Format>,
                                            dotPeak<avx512bf16::Format>()};

}  // namespace tandem
