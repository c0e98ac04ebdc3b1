#include "model/prepare.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/sizes.h"
#include "kernels/panels.h"
#include "model/blocks.h"
#include "model/pack_panels.h"

namespace tandem {
namespace {

// The side of a square of the transposition: 16 KiB in f32, so that it stays in the first-level
// cache.
constexpr int64_t kSquare = 64;

bool isVector(const Tensor& t) { return t.rows == 1 || t.cols == 1; }

int64_t elementBytes(WeightType type) {
  assert(!inPanels(type));
  return type == WeightType::kF32 ? 4 : 2;
}

template <class Panel>
int64_t panelBytesPerOutput(int64_t nIn) {
  return nIn / kPanelElements<Panel> * int64_t{sizeof(Panel)} / kPanelOutputs;
}

// Copies n stored elements, starting at element `begin`, unchanged. n <= kSquare.
template <class T>
void copyRun(T* dst, const Tensor& t, int64_t begin, int64_t n) {
  constexpr auto kWidth = static_cast<int64_t>(sizeof(T));
  const auto* bytes = static_cast<const unsigned char*>(t.data);
  std::memcpy(dst, bytes + begin * kWidth, static_cast<size_t>(n * kWidth));
}

// The same as f32.
void expandRun(float* dst, const Tensor& t, int64_t begin, int64_t n, const KernelTable& kernels) {
  if (t.dtype == DType::kF32) return copyRun(dst, t, begin, n);
  uint16_t aligned[kSquare];  // files may place 16-bit tensors at odd addresses
  copyRun(aligned, t, begin, n);
  if (t.dtype == DType::kF16) {
    kernels.expandF16(dst, aligned, n);
  } else {
    kernels.expandBf16(dst, aligned, n);
  }
}

void decodeRows(float* dst, const Tensor& t, int64_t rowBegin, int64_t rowEnd) {
  const BlockShape shape = blockShape(t.dtype);
  const auto* bytes = static_cast<const unsigned char*>(t.data);
  const int64_t rowBlocks = t.cols / shape.elements;
  decodeBlocks(dst + rowBegin * t.cols, t.dtype, bytes + rowBegin * rowBlocks * shape.bytes,
               (rowEnd - rowBegin) * rowBlocks);
}

template <class T, class LoadRun>
void loadRows(T* dst, const Tensor& t, int64_t rowBegin, int64_t rowEnd, const LoadRun& load) {
  const int64_t end = rowEnd * t.cols;
  for (int64_t i = rowBegin * t.cols; i < end; i += kSquare) {
    load(dst + i, i, std::min(kSquare, end - i));
  }
}

// Rows [rowBegin, rowEnd) of dst are columns of the stored [cols, rows]; at most kSquare of them.
template <class T, class LoadRun>
void transposeRows(T* dst, const Tensor& t, int64_t rowBegin, int64_t rowEnd, const LoadRun& load) {
  T square[kSquare][kSquare];  // (col, row)
  const int64_t nRows = rowEnd - rowBegin;
  for (int64_t colBegin = 0; colBegin < t.cols; colBegin += kSquare) {
    const int64_t nCols = std::min(kSquare, t.cols - colBegin);
    for (int64_t c = 0; c < nCols; ++c) {
      load(square[c], (colBegin + c) * t.rows + rowBegin, nRows);
    }
    for (int64_t r = 0; r < nRows; ++r) {
      T* out = dst + (rowBegin + r) * t.cols + colBegin;
      for (int64_t c = 0; c < nCols; ++c) out[c] = square[c][r];
    }
  }
}

// dst: [rows, cols]. load(dst, begin, n) gives a run of stored elements.
template <class T, class LoadRun>
void makeRowMajor(T* dst, const Tensor& t, ThreadPool& pool, const LoadRun& load) {
  const bool transpose = t.transposed && !isVector(t);
  pool.run(ceilDiv(t.rows, kSquare), [&](int64_t task, int) {
    const int64_t rowBegin = task * kSquare;
    const int64_t rowEnd = std::min(rowBegin + kSquare, t.rows);
    if (transpose) {
      transposeRows(dst, t, rowBegin, rowEnd, load);
    } else {
      loadRows(dst, t, rowBegin, rowEnd, load);
    }
  });
}

void expand(float* dst, const Tensor& t, ThreadPool& pool, const KernelTable& kernels) {
  if (blockShape(t.dtype).elements == 1) {
    makeRowMajor(dst, t, pool,
                 [&](float* to, int64_t begin, int64_t n) { expandRun(to, t, begin, n, kernels); });
    return;
  }
  pool.run(ceilDiv(t.rows, kSquare), [&](int64_t task, int) {
    decodeRows(dst, t, task * kSquare, std::min((task + 1) * kSquare, t.rows));
  });
}

}  // namespace

WeightType weightTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return WeightType::kF16;
    case DType::kBf16:
      return WeightType::kBf16;
    case DType::kQ80:
      return WeightType::kQ8;
    case DType::kQ40:
      return WeightType::kQ4;
    case DType::kQ4K:
      return WeightType::kQ4K;
    case DType::kQ6K:
      return WeightType::kQ6K;
    default:
      return WeightType::kF32;
  }
}

DType dtypeOf(WeightType type) {
  switch (type) {
    case WeightType::kF16:
      return DType::kF16;
    case WeightType::kBf16:
      return DType::kBf16;
    case WeightType::kQ8:
      return DType::kQ80;
    case WeightType::kQ4:
      return DType::kQ40;
    case WeightType::kQ4K:
      return DType::kQ4K;
    case WeightType::kQ6K:
      return DType::kQ6K;
    default:
      return DType::kF32;
  }
}

bool inPanels(WeightType type) { return type >= WeightType::kQ8; }

int64_t bytesPerOutput(WeightType type, int64_t nIn) {
  switch (type) {
    case WeightType::kQ8:
      return panelBytesPerOutput<Q8Panel>(nIn);
    case WeightType::kQ4:
      return panelBytesPerOutput<Q4Panel>(nIn);
    case WeightType::kQ4K:
      return panelBytesPerOutput<Q4KPanel>(nIn);
    case WeightType::kQ6K:
      return panelBytesPerOutput<Q6KPanel>(nIn);
    default:
      return nIn * elementBytes(type);
  }
}

bool usableInPlace(const Tensor& t, WeightType as) {
  if (inPanels(as)) return false;
  const bool sameType = blockShape(t.dtype).bytes == elementBytes(as);
  const bool rowMajor = !t.transposed || isVector(t);
  const auto alignment = static_cast<uintptr_t>(elementBytes(as));
  return sameType && rowMajor && reinterpret_cast<uintptr_t>(t.data) % alignment == 0;
}

int64_t preparedBytes(const Tensor& t, WeightType as) {
  const int64_t nOut = inPanels(as) ? roundUp(t.rows, kPanelOutputs) : t.rows;
  return checkedProduct({nOut, bytesPerOutput(as, t.cols)}, "tensor");
}

void prepare(void* dst, const Tensor& t, WeightType as, ThreadPool& pool,
             const KernelTable& kernels) {
  switch (as) {
    case WeightType::kF32:
      return expand(static_cast<float*>(dst), t, pool, kernels);
    case WeightType::kF16:
    case WeightType::kBf16:
      return makeRowMajor(
          static_cast<uint16_t*>(dst), t, pool,
          [&](uint16_t* to, int64_t begin, int64_t n) { copyRun(to, t, begin, n); });
    case WeightType::kQ8:
      return packPanels(static_cast<Q8Panel*>(dst), t, pool);
    case WeightType::kQ4:
      return packPanels(static_cast<Q4Panel*>(dst), t, pool);
    case WeightType::kQ4K:
      return packPanels(static_cast<Q4KPanel*>(dst), t, pool);
    case WeightType::kQ6K:
      return packPanels(static_cast<Q6KPanel*>(dst), t, pool);
  }
}

}  // namespace tandem
