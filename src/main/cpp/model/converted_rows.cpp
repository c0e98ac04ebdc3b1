#include "model/converted_rows.h"

#include "core/parallel.h"
#include "core/sizes.h"

namespace tandem {

void ConvertedRows::reserveQuantized(int64_t nRows, int64_t nIn) {
  quantized_.reserve(checkedProduct({nRows, ceilDiv(nIn, kBlockElements)}, "scratch"));
}

void ConvertedRows::reserveRounded(int64_t nRows, int64_t nIn) {
  rounded_.reserve(checkedProduct({nRows, nIn}, "scratch"));
}

View2<const ActivationBlock> ConvertedRows::quantize(View2<const float> x, ThreadPool& pool,
                                                     const KernelTable& kernels) {
  const int64_t nBlocks = x.cols / kBlockElements;
  requireRoom(x.rows * nBlocks, quantized_.size(), "quantised rows");
  const View2<ActivationBlock> rows{quantized_.data(), x.rows, nBlocks, nBlocks};
  parallelFor(pool, x.rows, x.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) kernels.panels.quantize(rows.row(r), x.row(r), x.cols);
  });
  return rows;
}

View2<const uint16_t> ConvertedRows::round(View2<const float> x, ThreadPool& pool,
                                           const KernelTable& kernels) {
  requireRoom(x.rows * x.cols, rounded_.size(), "rounded rows");
  const View2<uint16_t> rows{rounded_.data(), x.rows, x.cols, x.cols};
  parallelFor(pool, x.rows, x.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) kernels.bf16Dots.round(rows.row(r), x.row(r), x.cols);
  });
  return rows;
}

}  // namespace tandem
