// y = x * w^T over 16 k-lanes, in register tiles. V is an instruction set's Vec16.
#ifndef TANDEM_KERNELS_MATMUL_LOOPS_H_
#define TANDEM_KERNELS_MATMUL_LOOPS_H_

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/unroll.h"

namespace tandem {

template <class V, int R, int O>
inline void multiplyAdd(V (&acc)[R * O], const V (&w)[O], const V& x, int row) {
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) acc[row * O + o] = V::fma(x, w[o], acc[row * O + o]);
}

// Outputs [out, out + O) of rows [row, row + R).
template <class V, int R, int O>
void matmulTile(const MatmulArgs& a, int64_t row, int64_t out) {
  const int64_t ldx = a.ldx;
  const int64_t ldw = a.ldw;
  const float* x = a.x + row * ldx;
  const float* w = a.w + out * ldw;
  V acc[R * O];
  V wv[O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) acc[i] = V::zero();
  const int64_t whole = a.nIn - a.nIn % kLanes;
  for (int64_t k = 0; k < whole; k += kLanes) {
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) wv[o] = V::load(w + o * ldw + k);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) multiplyAdd<V, R, O>(acc, wv, V::load(x + r * ldx + k), r);
  }
  if (whole < a.nIn) {
    const int64_t rest = a.nIn - whole;
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) wv[o] = V::loadPartial(w + o * ldw + whole, rest);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      multiplyAdd<V, R, O>(acc, wv, V::loadPartial(x + r * ldx + whole, rest), r);
    }
  }
  float sums[R * O];
  constexpr int kFours = R * O / 4 * 4;
  TANDEM_UNROLL
  for (int i = 0; i < kFours; i += 4) {
    V::sum4(acc[i], acc[i + 1], acc[i + 2], acc[i + 3], sums + i);
  }
  TANDEM_UNROLL
  for (int i = kFours; i < R * O; ++i) sums[i] = acc[i].sum();
  for (int r = 0; r < R; ++r) {
    float* y = a.y + (row + r) * a.ldy + out;
    for (int o = 0; o < O; ++o) {
      float s = sums[r * O + o];
      if (a.bias != nullptr) s += a.bias[out + o];
      if (a.accumulate) s += y[o];
      y[o] = s;
    }
  }
}

// Outputs [out, out + O) of the rows from `row` on: tiles of R rows, then one of what is left.
template <class V, int R, int O>
void matmulRows(const MatmulArgs& a, int64_t row, int64_t out) {
  for (; row + R <= a.nRows; row += R) matmulTile<V, R, O>(a, row, out);
  if constexpr (R > 1) {
    if (row < a.nRows) matmulRows<V, R - 1, O>(a, row, out);
  }
}

template <class V>
void matmul(const MatmulArgs& a, int64_t oBegin, int64_t oEnd) {
  constexpr int kWide = V::kMatmulWide;
  constexpr int kNarrow = V::kMatmulNarrow;
  int64_t o = oBegin;
  if (a.nRows <= V::kMatmulWideRows) {
    for (; o + kWide <= oEnd; o += kWide) matmulRows<V, V::kMatmulWideRows, kWide>(a, 0, o);
  }
  for (; o + kNarrow <= oEnd; o += kNarrow) matmulRows<V, V::kMatmulRows, kNarrow>(a, 0, o);
  for (; o < oEnd; ++o) matmulRows<V, V::kMatmulRows, 1>(a, 0, o);
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_MATMUL_LOOPS_H_
