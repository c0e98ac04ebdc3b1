#include "kernels/avx512bf16/format.h"
#include "kernels/table.h"

namespace tandem {
namespace {

constexpr Bf16DotKernels makeDots() {
  Bf16DotKernels dots{};
  dots.round = &avx512bf16::roundRow;
  dots.matmul = &matmul<avx512bf16::Format>;
  return dots;
}

}  // namespace

constexpr Bf16DotKernels kAvx512Bf16Dots = makeDots();

}  // namespace tandem
