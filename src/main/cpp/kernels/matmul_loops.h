// y = x * w^T over 16 k-lanes, in register tiles. F is a format of x and w, see formats.h.
//
// A tile of R rows and O outputs keeps R * O lane sums in registers. Its outputs are not adjacent:
// of n outputs, tile i takes i, i + n/O, i + 2 n/O, ... So O streams run through w from tile to
// tile without a jump, which reads memory fastest. The first rows read w from memory. For more
// rows, the loops keep the tile's x in the L1 cache and some outputs of w in L2. If nIn is too long
// for that, k is cut into parts and the lane sums are carried from one part to the next, which
// changes none of their bits.
#ifndef TANDEM_KERNELS_MATMUL_LOOPS_H_
#define TANDEM_KERNELS_MATMUL_LOOPS_H_

#include <cstdint>

#include "core/cache_line.h"
#include "kernels/formats.h"
#include "kernels/kernels.h"
#include "kernels/row_tiles.h"
#include "kernels/unroll.h"

namespace tandem {

inline constexpr int64_t kMaxDepthBytes = 3072;    // x in one part of k: 6 rows take 18 KB
inline constexpr int64_t kMaxOutputs = 128;        // outputs at a time,
inline constexpr int64_t kMaxCarriedOutputs = 64;  // and when their sums are carried

template <class F>
using ArgsOf = MatmulArgs<typename F::X, typename F::W>;

// Elements [begin, end) of k; begin is a multiple of F::kStep.
struct Depth {
  int64_t begin, end;
};

// The rows of a tile's x and w.
template <class F, int R, int O>
struct TileRows {
  const typename F::X* x[R];
  const typename F::W* w[O];
};

template <class F, int R, int O>
inline TileRows<F, R, O> tileRows(const typename F::X* x, int64_t ldx, const typename F::W* w,
                                  int64_t wStep) {
  TileRows<F, R, O> rows;
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) rows.x[r] = x + r * ldx;
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) rows.w[o] = w + o * wStep;
  return rows;
}

// sums[r * O + o] += x[r] * w[o] for the vector at k.
template <class F, int R, int O>
inline void addVector(typename F::Vec (&sums)[R * O], const TileRows<F, R, O>& rows, int64_t k) {
  TANDEM_UNROLL
  for (int i = 0; i < F::kSlices; ++i, k += F::kStep / F::kSlices) {
    decltype(F::loadW(rows.w[0])) wv[O];
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) wv[o] = F::loadW(rows.w[o] + k);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const auto xv = F::loadX(rows.x[r] + k);
      TANDEM_UNROLL
      for (int o = 0; o < O; ++o) F::multiplyAdd(xv, wv[o], sums[r * O + o], i);
    }
  }
}

// The same for the last n < F::kStep elements. Inlined, because sums do not stay in registers if
// their address is taken.
template <class F, int R, int O>
TANDEM_INLINE void addRest(typename F::Vec (&sums)[R * O], const TileRows<F, R, O>& rows, int64_t k,
                           int64_t n) {
  decltype(F::loadPartialW(rows.w[0], n)) wv[O];
  TANDEM_UNROLL
  for (int o = 0; o < O; ++o) wv[o] = F::loadPartialW(rows.w[o] + k, n);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    const auto xv = F::loadPartialX(rows.x[r] + k, n);
    TANDEM_UNROLL
    for (int o = 0; o < O; ++o) {
      TANDEM_UNROLL
      for (int i = 0; i < F::kSlices; ++i) {
        F::multiplyAdd(xv.slice(i), wv[o].slice(i), sums[r * O + o], i);
      }
    }
  }
}

// The same for all of depth. Stream: w comes from memory.
template <class F, int R, int O, bool Stream>
inline void addProducts(typename F::Vec (&sums)[R * O], const TileRows<F, R, O>& rows,
                        Depth depth) {
  constexpr int64_t kWidth = int64_t{sizeof(typename F::W)};
  constexpr int kVectors = !Stream ? 1 : R == 1 ? 8 : 2;  // per iteration
  int64_t k = depth.begin;
  for (; k + kVectors * F::kStep <= depth.end; k += kVectors * F::kStep) {
    TANDEM_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const int64_t at = k + i * F::kStep;
      if (Stream && i * F::kStep * kWidth % kCacheLineBytes == 0) {
        TANDEM_UNROLL
        for (int o = 0; o < O; ++o) {
          F::Vec::prefetch(rows.w[o], at * kWidth + F::Vec::kPrefetchBytes);
        }
      }
      addVector<F, R, O>(sums, rows, at);
    }
  }
  for (; k + F::kStep <= depth.end; k += F::kStep) addVector<F, R, O>(sums, rows, k);
  if (k < depth.end) addRest<F, R, O>(sums, rows, k, depth.end - k);
}

// totals[i] = the sum of the lanes of sums[i].
template <class F, int N>
inline void addLanes(const typename F::Vec (&sums)[N], float* totals) {
  using V = typename F::Vec;
  constexpr int kFours = N / 4 * 4;
  TANDEM_UNROLL
  for (int i = 0; i < kFours; i += 4) {
    V::sum4(sums[i], sums[i + 1], sums[i + 2], sums[i + 3], totals + i);
  }
  TANDEM_UNROLL
  for (int i = kFours; i < N; ++i) totals[i] = sums[i].sum();
}

// totals: (R, O), of R rows of x, ldx apart, and O of w, wStep apart.
template <class F, int R, int O, bool Stream>
TANDEM_INLINE void tileTotals(const typename F::X* x, int64_t ldx, const typename F::W* w,
                              int64_t wStep, int64_t nIn, float* totals) {
  using V = typename F::Vec;
  V sums[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) sums[i] = V::zero();
  addProducts<F, R, O, Stream>(sums, tileRows<F, R, O>(x, ldx, w, wStep), {0, nIn});
  addLanes<F>(sums, totals);
}

// The same as a separate function with few arguments. If it were inlined, several rows would
// compete for registers with the loops around them; an address spilled to a vector register would
// wait behind the arithmetic, and the processor could not run ahead to the next tile.
template <class F, int R, int O, bool Stream>
TANDEM_NOINLINE void tileTotalsApart(const typename F::X* x, int64_t ldx, const typename F::W* w,
                                     int64_t wStep, int64_t nIn, float* totals) {
  tileTotals<F, R, O, Stream>(x, ldx, w, wStep, nIn, totals);
}

// The same for one part of k; totals are complete after the last. carried: (R * O, 16) lane sums
// from one part to the next.
template <class F, int R, int O>
TANDEM_NOINLINE void tilePart(const ArgsOf<F>& a, const TileRows<F, R, O>& rows, Depth depth,
                              float* carried, float* totals) {
  using V = typename F::Vec;
  V sums[R * O];
  TANDEM_UNROLL
  for (int i = 0; i < R * O; ++i) {
    sums[i] = depth.begin == 0 ? V::zero() : V::load(carried + i * kLanes);
  }
  addProducts<F, R, O, false>(sums, rows, depth);
  if (depth.end == a.nIn) {
    addLanes<F>(sums, totals);
  } else {
    TANDEM_UNROLL
    for (int i = 0; i < R * O; ++i) sums[i].store(carried + i * kLanes);
  }
}

// y = totals: (R, O) + bias + y for rows from `row` on and outputs out, out + step, ...
template <class F, int R, int O>
inline void finishTile(const ArgsOf<F>& a, int64_t row, int64_t out, int64_t step,
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
template <class F, int R, int O, bool Stream>
TANDEM_NOINLINE void matmulTiles(const ArgsOf<F>& a, int64_t row, int64_t oBegin, int64_t oEnd) {
  const int64_t step = (oEnd - oBegin) / O;
  const typename F::X* x = a.x + row * a.ldx;
  float totals[R * O];
  for (int64_t o = oBegin; o < oBegin + step; ++o) {
    const typename F::W* w = a.w + o * a.ldw;
    if (Stream && a.bias != nullptr) {  // it also comes from memory: prefetch a line ahead
      TANDEM_UNROLL
      for (int i = 0; i < O; ++i) F::Vec::prefetch(a.bias + o + i * step, kCacheLineBytes);
    }
    if constexpr (R == 1) {
      tileTotals<F, R, O, Stream>(x, a.ldx, w, step * a.ldw, a.nIn, totals);
    } else {
      tileTotalsApart<F, R, O, Stream>(x, a.ldx, w, step * a.ldw, a.nIn, totals);
    }
    finishTile<F, R, O>(a, row, o, step, totals);
  }
  for (int64_t o = oBegin + step * O; o < oEnd; ++o) {
    tileTotalsApart<F, R, 1, Stream>(x, a.ldx, a.w + o * a.ldw, 0, a.nIn, totals);
    finishTile<F, R, 1>(a, row, o, 0, totals);
  }
}

// The same with k in parts of maxDepth. Not inlined: its frame is far larger than the others.
template <class F, int R, int O>
TANDEM_NOINLINE void matmulParts(const ArgsOf<F>& a, int64_t row, int64_t oBegin, int64_t oEnd,
                                 int64_t maxDepth) {
  const int64_t step = (oEnd - oBegin) / O;
  const typename F::X* x = a.x + row * a.ldx;
  float carried[R * kMaxCarriedOutputs * kLanes];
  float totals[R * O];
  for (int64_t k = 0; k < a.nIn; k += maxDepth) {
    const Depth depth{k, k + maxDepth < a.nIn ? k + maxDepth : a.nIn};
    const bool last = depth.end == a.nIn;
    float* c = carried;
    for (int64_t o = oBegin; o < oBegin + step; ++o, c += R * O * kLanes) {
      const auto rows = tileRows<F, R, O>(x, a.ldx, a.w + o * a.ldw, step * a.ldw);
      tilePart<F, R, O>(a, rows, depth, c, totals);
      if (last) finishTile<F, R, O>(a, row, o, step, totals);
    }
    for (int64_t o = oBegin + step * O; o < oEnd; ++o, c += R * kLanes) {
      tilePart<F, R, 1>(a, tileRows<F, R, 1>(x, a.ldx, a.w + o * a.ldw, 0), depth, c, totals);
      if (last) finishTile<F, R, 1>(a, row, o, 0, totals);
    }
  }
}

// Outputs [oBegin, oEnd) of all rows.
template <class F>
void matmulRows(const ArgsOf<F>& a, int64_t oBegin, int64_t oEnd, int64_t maxDepth) {
  forEachRowTile<F::Vec::kMatmulRows>(a.nRows, [&](auto tile, int64_t row) {
    constexpr int kRows = decltype(tile)::value;
    constexpr int kOutputs = F::Vec::matmulOutputs(kRows);
    if (row == 0) {
      matmulTiles<F, kRows, kOutputs, true>(a, row, oBegin, oEnd);
    } else if (maxDepth >= a.nIn) {
      matmulTiles<F, kRows, kOutputs, false>(a, row, oBegin, oEnd);
    } else {
      matmulParts<F, kRows, kOutputs>(a, row, oBegin, oEnd, maxDepth);
    }
  });
}

template <class F>
void matmul(const ArgsOf<F>& a, int64_t oBegin, int64_t oEnd) {
  if (a.nRows <= F::Vec::kMatmulRows) {
    matmulRows<F>(a, oBegin, oEnd, a.nIn);
    return;
  }
  constexpr int64_t kMaxDepth = kMaxDepthBytes / int64_t{sizeof(typename F::X)};
  const int64_t parts = (a.nIn + kMaxDepth - 1) / kMaxDepth;
  const int64_t maxDepth = (a.nIn + parts * F::kStep - 1) / (parts * F::kStep) * F::kStep;
  const int64_t limit = parts > 1 ? kMaxCarriedOutputs : kMaxOutputs;
  int64_t n = F::Vec::kMatmulCacheBytes / int64_t{sizeof(typename F::W)} / a.nIn / 16 * 16;
  n = n < 16 ? 16 : n > limit ? limit : n;
  for (int64_t o = oBegin; o < oEnd; o += n) {
    matmulRows<F>(a, o, o + n < oEnd ? o + n : oEnd, maxDepth);
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_MATMUL_LOOPS_H_
