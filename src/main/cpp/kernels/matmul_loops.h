// y = x * w^T over 16 k-lanes, in register tiles. V is an instruction set's Vec16.
//
// A tile of R rows and O outputs keeps R * O lane sums in registers. For many rows the loops around
// it keep the tile's x in the L1 cache and the block's w in L2; where nIn is too long for that, k
// is cut into parts and the lane sums are carried over from one part to the next in memory, which
// changes no bit of them.
#ifndef TANDEM_KERNELS_MATMUL_LOOPS_H_
#define TANDEM_KERNELS_MATMUL_LOOPS_H_

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/unroll.h"

namespace tandem {

inline constexpr int64_t kMaxDepth = 768;          // k in one part: 6 rows of x take 18 KB
inline constexpr int64_t kBlockFloats = 98304;     // w in one block of outputs: 384 KB
inline constexpr int64_t kMaxBlockOutputs = 128;   // outputs in one block,
inline constexpr int64_t kMaxCarriedOutputs = 64;  // and when their sums are carried

// Elements [begin, end) of k; begin is a multiple of 16.
struct Depth {
  int64_t begin, end;
};

// sums[r * O + o] += the products of rows x and w, both lanes of k.
template <class V, int R, int O>
inline void addProducts(V (&sums)[R * O], const float* x, int64_t ldx, const float* w, int64_t ldw,
                        Depth depth) {
  V wv[O];
  const int64_t whole = depth.end - (depth.end - depth.begin) % kLanes;
  for (int64_t k = depth.begin; k < whole; k += kLanes) {
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) wv[o] = V::load(w + o * ldw + k);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const V xv = V::load(x + r * ldx + k);
      TANDEM_UNROLL
      for (int o = 0; o < O; ++o) sums[r * O + o] = V::fma(xv, wv[o], sums[r * O + o]);
    }
  }
  if (whole == depth.end) return;
  const int64_t rest = depth.end - whole;
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) wv[o] = V::loadPartial(w + o * ldw + whole, rest);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    const V xv = V::loadPartial(x + r * ldx + whole, rest);
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) sums[r * O + o] = V::fma(xv, wv[o], sums[r * O + o]);
  }
}

// Adds the lanes of each sum, then bias and y, into y.
template <class V, int R, int O>
inline void finishTile(const MatmulArgs& a, int64_t row, int64_t out, const V (&sums)[R * O]) {
  constexpr int kFours = R * O / 4 * 4;
  float total[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < kFours; i += 4) {
    V::sum4(sums[i], sums[i + 1], sums[i + 2], sums[i + 3], total + i);
  }
  TANDEM_UNROLL
  for (int i = kFours; i < R * O; ++i) total[i] = sums[i].sum();
  for (int r = 0; r < R; ++r) {
    float* y = a.y + (row + r) * a.ldy + out;
    for (int o = 0; o < O; ++o) {
      float s = total[r * O + o];
      if (a.bias != nullptr) s += a.bias[out + o];
      if (a.accumulate) s += y[o];
      y[o] = s;
    }
  }
}

// Outputs [out, out + O) of rows [row, row + R).
template <class V, int R, int O>
TANDEM_NOINLINE void matmulTile(const MatmulArgs& a, int64_t row, int64_t out) {
  V sums[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) sums[i] = V::zero();
  addProducts<V, R, O>(sums, a.x + row * a.ldx, a.ldx, a.w + out * a.ldw, a.ldw, {0, a.nIn});
  finishTile<V, R, O>(a, row, out, sums);
}

// The same for one part of k. carried: (R * O, 16) lane sums from one part to the next.
template <class V, int R, int O>
TANDEM_NOINLINE void matmulPart(const MatmulArgs& a, int64_t row, int64_t out, Depth depth,
                                float* carried) {
  V sums[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) {
    sums[i] = depth.begin == 0 ? V::zero() : V::load(carried + i * kLanes);
  }
  addProducts<V, R, O>(sums, a.x + row * a.ldx, a.ldx, a.w + out * a.ldw, a.ldw, depth);
  if (depth.end == a.nIn) {
    finishTile<V, R, O>(a, row, out, sums);
  } else {
    TANDEM_UNROLL
    for (int i = 0; i < R * O; ++i) sums[i].store(carried + i * kLanes);
  }
}

// Outputs [oBegin, oEnd) of rows [row, row + R), k in parts of maxDepth.
template <class V, int R>
void matmulRowTile(const MatmulArgs& a, int64_t row, int64_t oBegin, int64_t oEnd,
                   int64_t maxDepth) {
  constexpr int kOutputs = R <= V::kMatmulWideRows ? V::kMatmulWide : V::kMatmulNarrow;
  if (maxDepth >= a.nIn) {
    int64_t o = oBegin;
    for (; o + kOutputs <= oEnd; o += kOutputs) matmulTile<V, R, kOutputs>(a, row, o);
    for (; o < oEnd; ++o) matmulTile<V, R, 1>(a, row, o);
    return;
  }
  float carried[R * kMaxCarriedOutputs * kLanes];
  for (int64_t k = 0; k < a.nIn; k += maxDepth) {
    const Depth depth{k, k + maxDepth < a.nIn ? k + maxDepth : a.nIn};
    float* c = carried;
    int64_t o = oBegin;
    for (; o + kOutputs <= oEnd; o += kOutputs, c += R * kOutputs * kLanes) {
      matmulPart<V, R, kOutputs>(a, row, o, depth, c);
    }
    for (; o < oEnd; ++o, c += R * kLanes) matmulPart<V, R, 1>(a, row, o, depth, c);
  }
}

// The rows from `row` on: tiles of R rows, then one of what is left.
template <class V, int R>
void matmulRows(const MatmulArgs& a, int64_t row, int64_t oBegin, int64_t oEnd, int64_t maxDepth) {
  for (; row + R <= a.nRows; row += R) matmulRowTile<V, R>(a, row, oBegin, oEnd, maxDepth);
  if constexpr (R > 1) {
    if (row < a.nRows) matmulRows<V, R - 1>(a, row, oBegin, oEnd, maxDepth);
  }
}

template <class V>
void matmul(const MatmulArgs& a, int64_t oBegin, int64_t oEnd) {
  constexpr int kRows = V::kMatmulRows;
  if (a.nRows <= kRows) {  // one tile of rows: stream w once
    matmulRows<V, kRows>(a, 0, oBegin, oEnd, a.nIn);
    return;
  }
  const int64_t parts = (a.nIn + kMaxDepth - 1) / kMaxDepth;
  const int64_t maxDepth = (a.nIn + parts * kLanes - 1) / (parts * kLanes) * kLanes;
  const int64_t limit = parts > 1 ? kMaxCarriedOutputs : kMaxBlockOutputs;
  int64_t block = kBlockFloats / a.nIn / 16 * 16;
  block = block < 16 ? 16 : block > limit ? limit : block;
  for (int64_t o = oBegin; o < oEnd; o += block) {
    matmulRows<V, kRows>(a, 0, o, o + block < oEnd ? o + block : oEnd, maxDepth);
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_MATMUL_LOOPS_H_
