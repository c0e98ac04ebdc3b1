#include "model/expand.h"

#include <algorithm>
#include <cstring>

#include "core/sizes.h"
#include "model/blocks.h"

namespace tandem {
namespace {

// A tile of the transposition: 16 KiB, so that it stays in the first-level cache.
constexpr int64_t kTile = 64;

// n stored elements from element `begin` on, as f32. n <= kTile.
void expandRun(float* dst, const td_tensor& t, int64_t begin, int64_t n,
               const KernelTable& kernels) {
  const auto* bytes = static_cast<const unsigned char*>(t.data);
  if (t.dtype == TD_F32) {
    std::memcpy(dst, bytes + begin * 4, static_cast<size_t>(n) * 4);
    return;
  }
  uint16_t aligned[kTile];  // files may place 16-bit tensors at odd addresses
  std::memcpy(aligned, bytes + begin * 2, static_cast<size_t>(n) * 2);
  if (t.dtype == TD_F16) {
    kernels.expandF16(dst, aligned, n);
  } else {
    kernels.expandBf16(dst, aligned, n);
  }
}

void decodeRows(float* dst, const td_tensor& t, int64_t rowBegin, int64_t rowEnd) {
  const BlockShape shape = blockShape(t.dtype);
  const auto* bytes = static_cast<const unsigned char*>(t.data);
  const int64_t rowBlocks = t.cols / shape.elements;
  decodeBlocks(dst + rowBegin * t.cols, t.dtype, bytes + rowBegin * rowBlocks * shape.bytes,
               (rowEnd - rowBegin) * rowBlocks);
}

void expandRows(float* dst, const td_tensor& t, int64_t rowBegin, int64_t rowEnd,
                const KernelTable& kernels) {
  const int64_t end = rowEnd * t.cols;
  for (int64_t i = rowBegin * t.cols; i < end; i += kTile) {
    expandRun(dst + i, t, i, std::min(kTile, end - i), kernels);
  }
}

// Rows [rowBegin, rowEnd) of dst are columns of the stored [cols, rows]; at most kTile of them.
void transposeRows(float* dst, const td_tensor& t, int64_t rowBegin, int64_t rowEnd,
                   const KernelTable& kernels) {
  float tile[kTile][kTile];  // (col, row)
  const int64_t nRows = rowEnd - rowBegin;
  for (int64_t colBegin = 0; colBegin < t.cols; colBegin += kTile) {
    const int64_t nCols = std::min(kTile, t.cols - colBegin);
    for (int64_t c = 0; c < nCols; ++c) {
      expandRun(tile[c], t, (colBegin + c) * t.rows + rowBegin, nRows, kernels);
    }
    for (int64_t r = 0; r < nRows; ++r) {
      float* out = dst + (rowBegin + r) * t.cols + colBegin;
      for (int64_t c = 0; c < nCols; ++c) out[c] = tile[c][r];
    }
  }
}

bool isVector(const td_tensor& t) { return t.rows == 1 || t.cols == 1; }

}  // namespace

bool usableInPlace(const td_tensor& t) {
  const bool rowMajor = t.transposed == 0 || isVector(t);
  return t.dtype == TD_F32 && rowMajor && reinterpret_cast<uintptr_t>(t.data) % alignof(float) == 0;
}

void expand(float* dst, const td_tensor& t, ThreadPool& pool, const KernelTable& kernels) {
  const bool quantized = blockShape(t.dtype).elements > 1;
  const bool transpose = t.transposed == 1 && !isVector(t);
  pool.run(ceilDiv(t.rows, kTile), [&](int64_t task, int) {
    const int64_t rowBegin = task * kTile;
    const int64_t rowEnd = std::min(rowBegin + kTile, t.rows);
    if (quantized) {
      decodeRows(dst, t, rowBegin, rowEnd);
    } else if (transpose) {
      transposeRows(dst, t, rowBegin, rowEnd, kernels);
    } else {
      expandRows(dst, t, rowBegin, rowEnd, kernels);
    }
  });
}

}  // namespace tandem
