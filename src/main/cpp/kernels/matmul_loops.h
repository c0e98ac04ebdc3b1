// y = x * w^T over 16 k-lanes, in register tiles. V is an instruction set's Vec16.
//
// A tile of R rows and O outputs keeps R * O lane sums in registers. Its outputs are not
// neighbours: of n outputs, tile i takes i, i + n/O, i + 2 n/O, ..., so that from tile to tile O
// streams run on through w without a jump, which is what reads memory fastest. The first rows read
// w from memory. For more rows, the loops keep the tile's x in the L1 cache and a block of w in L2;
// where nIn is too long for that, k is cut into parts and the lane sums are carried over from one
// part to the next, which changes no bit of them.
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
inline constexpr int64_t kPrefetch = 256;          // floats ahead in each stream

// Elements [begin, end) of k; begin is a multiple of 16.
struct Depth {
  int64_t begin, end;
};

// The rows of a tile's x and w.
template <int R, int O>
struct TileRows {
  const float* x[R];
  const float* w[O];
};

template <class V, int R, int O>
inline TileRows<R, O> tileRows(const float* x, int64_t ldx, const float* w, int64_t wStep) {
  TileRows<R, O> rows;
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) rows.x[r] = x + r * ldx;
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) rows.w[o] = w + o * wStep;
  return rows;
}

// sums[r * O + o] += x[r] * w[o] for the vector at k.
template <class V, int R, int O>
inline void addVector(V (&sums)[R * O], const TileRows<R, O>& rows, int64_t k) {
  V wv[O];
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) wv[o] = V::load(rows.w[o] + k);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    const V xv = V::load(rows.x[r] + k);
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) sums[r * O + o] = V::fma(xv, wv[o], sums[r * O + o]);
  }
}

// The same for the last n < 16 elements.
template <class V, int R, int O>
inline void addRest(V (&sums)[R * O], const TileRows<R, O>& rows, int64_t k, int64_t n) {
  V wv[O];
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) wv[o] = V::loadPartial(rows.w[o] + k, n);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    const V xv = V::loadPartial(rows.x[r] + k, n);
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) sums[r * O + o] = V::fma(xv, wv[o], sums[r * O + o]);
  }
}

// The same for all of depth. Stream: w comes from memory.
template <class V, int R, int O, bool Stream>
inline void addProducts(V (&sums)[R * O], const TileRows<R, O>& rows, Depth depth) {
  constexpr int kVectors = !Stream ? 1 : R == 1 ? 8 : 2;  // in one go
  int64_t k = depth.begin;
  for (; k + kVectors * kLanes <= depth.end; k += kVectors * kLanes) {
    TANDEM_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      if constexpr (Stream) {
        TANDEM_UNROLL
        for (int o = 0; o < O; ++o) V::prefetch(rows.w[o], k + i * kLanes + kPrefetch);
      }
      addVector<V, R, O>(sums, rows, k + i * kLanes);
    }
  }
  for (; k + kLanes <= depth.end; k += kLanes) addVector<V, R, O>(sums, rows, k);
  if (k < depth.end) addRest<V, R, O>(sums, rows, k, depth.end - k);
}

// totals[i] = the sum of the lanes of sums[i].
template <class V, int N>
inline void addLanes(const V (&sums)[N], float* totals) {
  constexpr int kFours = N / 4 * 4;
  TANDEM_UNROLL
  for (int i = 0; i < kFours; i += 4) {
    V::sum4(sums[i], sums[i + 1], sums[i + 2], sums[i + 3], totals + i);
  }
  TANDEM_UNROLL
  for (int i = kFours; i < N; ++i) totals[i] = sums[i].sum();
}

// totals: (R, O), of R rows of x, ldx apart, and O of w, wStep apart.
template <class V, int R, int O, bool Stream>
TANDEM_INLINE void tileTotals(const float* x, int64_t ldx, const float* w, int64_t wStep,
                              int64_t nIn, float* totals) {
  V sums[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) sums[i] = V::zero();
  addProducts<V, R, O, Stream>(sums, tileRows<V, R, O>(x, ldx, w, wStep), {0, nIn});
  addLanes(sums, totals);
}

// The same as a function of its own with few arguments: inlined, several rows compete for registers
// with the loops around them, and an address spilled to a vector register waits behind the
// arithmetic, so that the processor cannot run ahead to the next tile.
template <class V, int R, int O, bool Stream>
TANDEM_NOINLINE void tileTotalsApart(const float* x, int64_t ldx, const float* w, int64_t wStep,
                                     int64_t nIn, float* totals) {
  tileTotals<V, R, O, Stream>(x, ldx, w, wStep, nIn, totals);
}

// The same for one part of k; totals are complete after the last. carried: (R * O, 16) lane sums
// from one part to the next.
template <class V, int R, int O>
TANDEM_NOINLINE void tilePart(const MatmulArgs& a, const TileRows<R, O>& rows, Depth depth,
                              float* carried, float* totals) {
  V sums[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) {
    sums[i] = depth.begin == 0 ? V::zero() : V::load(carried + i * kLanes);
  }
  addProducts<V, R, O, false>(sums, rows, depth);
  if (depth.end == a.nIn) {
    addLanes(sums, totals);
  } else {
    TANDEM_UNROLL
    for (int i = 0; i < R * O; ++i) sums[i].store(carried + i * kLanes);
  }
}

// y = totals: (R, O) + bias + y for rows from `row` on and outputs out, out + step, ...
template <class V, int R, int O>
inline void finishTile(const MatmulArgs& a, int64_t row, int64_t out, int64_t step,
                       const float* totals) {
  for (int r = 0; r < R; ++r) {
    float* y = a.y + (row + r) * a.ldy + out;
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) {
      float total = totals[r * O + o];
      if (a.bias != nullptr) total += a.bias[out + o * step];
      if (a.accumulate) total += y[o * step];
      y[o * step] = total;
    }
  }
}

// Outputs [oBegin, oEnd) of rows [row, row + R).
template <class V, int R, int O, bool Stream>
TANDEM_NOINLINE void matmulTiles(const MatmulArgs& a, int64_t row, int64_t oBegin, int64_t oEnd) {
  const int64_t step = (oEnd - oBegin) / O;
  const float* x = a.x + row * a.ldx;
  float totals[R * O];
  for (int64_t o = oBegin; o < oBegin + step; ++o) {
    const float* w = a.w + o * a.ldw;
    if constexpr (R == 1) {
      tileTotals<V, R, O, Stream>(x, a.ldx, w, step * a.ldw, a.nIn, totals);
    } else {
      tileTotalsApart<V, R, O, Stream>(x, a.ldx, w, step * a.ldw, a.nIn, totals);
    }
    finishTile<V, R, O>(a, row, o, step, totals);
  }
  for (int64_t o = oBegin + step * O; o < oEnd; ++o) {
    tileTotalsApart<V, R, 1, Stream>(x, a.ldx, a.w + o * a.ldw, 0, a.nIn, totals);
    finishTile<V, R, 1>(a, row, o, 0, totals);
  }
}

// The same with k in parts of maxDepth. Not inlined: its frame is far larger than the others.
template <class V, int R, int O>
TANDEM_NOINLINE void matmulParts(const MatmulArgs& a, int64_t row, int64_t oBegin, int64_t oEnd,
                                 int64_t maxDepth) {
  const int64_t step = (oEnd - oBegin) / O;
  const float* x = a.x + row * a.ldx;
  float carried[R * kMaxCarriedOutputs * kLanes];
  float totals[R * O];
  for (int64_t k = 0; k < a.nIn; k += maxDepth) {
    const Depth depth{k, k + maxDepth < a.nIn ? k + maxDepth : a.nIn};
    const bool last = depth.end == a.nIn;
    float* c = carried;
    for (int64_t o = oBegin; o < oBegin + step; ++o, c += R * O * kLanes) {
      const auto rows = tileRows<V, R, O>(x, a.ldx, a.w + o * a.ldw, step * a.ldw);
      tilePart<V, R, O>(a, rows, depth, c, totals);
      if (last) finishTile<V, R, O>(a, row, o, step, totals);
    }
    for (int64_t o = oBegin + step * O; o < oEnd; ++o, c += R * kLanes) {
      tilePart<V, R, 1>(a, tileRows<V, R, 1>(x, a.ldx, a.w + o * a.ldw, 0), depth, c, totals);
      if (last) finishTile<V, R, 1>(a, row, o, 0, totals);
    }
  }
}

// Outputs [oBegin, oEnd) of the rows from `row` on: tiles of R rows, then one of what is left.
template <class V, int R>
void matmulRows(const MatmulArgs& a, int64_t row, int64_t oBegin, int64_t oEnd, int64_t maxDepth) {
  constexpr int kOutputs = V::matmulOutputs(R);
  for (; row + R <= a.nRows; row += R) {
    if (row == 0) {
      matmulTiles<V, R, kOutputs, true>(a, row, oBegin, oEnd);
    } else if (maxDepth >= a.nIn) {
      matmulTiles<V, R, kOutputs, false>(a, row, oBegin, oEnd);
    } else {
      matmulParts<V, R, kOutputs>(a, row, oBegin, oEnd, maxDepth);
    }
  }
  if constexpr (R > 1) {
    if (row < a.nRows) matmulRows<V, R - 1>(a, row, oBegin, oEnd, maxDepth);
  }
}

template <class V>
void matmul(const MatmulArgs& a, int64_t oBegin, int64_t oEnd) {
  constexpr int kRows = V::kMatmulRows;
  if (a.nRows <= kRows) {
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
