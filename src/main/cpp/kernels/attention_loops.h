// Causal attention of one query head over 16 lanes. V is an instruction set's Vec16.
//
// Scores and outputs are both outer products: scores[r, t] = sum_d q[r, d] K[t, d] with a lane for
// each position of a K panel, and out[r, d] = sum_t p[r, t] V[t, d] with a lane for each d. So no
// sum runs across lanes, and each output is one sequence of FMAs whatever the tile.
#ifndef TANDEM_KERNELS_ATTENTION_LOOPS_H_
#define TANDEM_KERNELS_ATTENTION_LOOPS_H_

#include <cstdint>
#include <limits>

#include "kernels/kernels.h"
#include "kernels/unroll.h"
#include "kernels/vec_math.h"

namespace tandem {

inline constexpr int64_t kMaxAttentionRows = 8;  // of any instruction set's tile

// A run of steps of an outer product: in step i, a[r * aRow + i] meets the 16 * C floats whose
// vectors c start at b[i * bStep + c * bCol].
struct OuterProduct {
  const float* a;
  const float* b;
  int64_t aRow, bStep, bCol;
};

template <class V, bool Partial>
inline V loadLanes(const float* p, int64_t n) {
  if constexpr (Partial) {
    return V::loadPartial(p, n);
  } else {
    return V::load(p);
  }
}

// Steps [begin, end) for rows [0, R) and C vectors; of the last vector only lastLanes when Partial.
template <class V, int R, int C, bool Partial>
inline void addOuterProduct(V (&acc)[R * C], const OuterProduct& p, int64_t begin, int64_t end,
                            int64_t lastLanes) {
  const float* a = p.a;
  const float* b = p.b + begin * p.bStep;
  const int64_t aRow = p.aRow;
  const int64_t bCol = p.bCol;
  const int64_t bStep = p.bStep;
  for (int64_t i = begin; i < end; ++i, b += bStep) {
    V bv[C];
    TANDEM_UNROLL
    for (int c = 0; c < C - 1; ++c) bv[c] = V::load(b + c * bCol);
    bv[C - 1] = loadLanes<V, Partial>(b + (C - 1) * bCol, lastLanes);
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const V av = V::broadcast(a[r * aRow + i]);
      TANDEM_UNROLL
      for (int c = 0; c < C; ++c) acc[r * C + c] = V::fma(av, bv[c], acc[r * C + c]);
    }
  }
}

// Scores of R rows from `row` on for C panels, into scores: (R, ldScores).
template <class V, int R, int C>
void scorePanels(const AttentionArgs& a, int64_t row, int64_t panel, int64_t ldScores) {
  const OuterProduct p{a.q + row * a.ldq, a.k + panel * a.headDim * kKvPanel, a.ldq, kKvPanel,
                       a.headDim * kKvPanel};
  V acc[R * C];
  TANDEM_UNROLL
  for (int i = 0; i < R * C; ++i) acc[i] = V::zero();
  addOuterProduct<V, R, C, false>(acc, p, 0, a.headDim, kLanes);
  const V scale = V::broadcast(a.scale);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    float* scores = a.scratch + r * ldScores + panel * kKvPanel;
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) V::mul(acc[r * C + c], scale).store(scores + c * kKvPanel);
  }
}

// In place: p[t] = e^(s[t] - max s) for t < n; returns the sum of p over the virtual lanes.
template <class V>
inline float exponentials(float* s, int64_t n) {
  const int64_t whole = n - n % kLanes;
  const auto rest = V::firstLanes(n % kLanes);
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  V largest = V::broadcast(kLowest);
  for (int64_t t = 0; t < whole; t += kLanes) largest = V::max(largest, V::load(s + t));
  if (whole < n) largest = V::max(largest, V::select(rest, V::load(s + whole), largest));
  const V max = V::broadcast(largest.maxLane());
  V sum = V::zero();
  for (int64_t t = 0; t < whole; t += kLanes) {
    const V e = vexp(V::sub(V::load(s + t), max));
    e.store(s + t);
    sum = V::add(sum, e);
  }
  if (whole < n) {
    const V e = V::select(rest, vexp(V::sub(V::load(s + whole), max)), V::zero());
    e.store(s + whole);
    sum = V::add(sum, e);
  }
  return sum.sum();
}

// Columns [col, col + 16 C) of the outputs of R rows from `row` on, from their p in the scratch.
template <class V, int R, int C, bool Partial>
void weightedSum(const AttentionArgs& a, int64_t row, int64_t col, int64_t ldScores,
                 const float (&total)[R]) {
  const int64_t lastLanes = a.headDim - col - (C - 1) * kLanes;
  const int64_t common = a.firstPosition + row + 1;  // positions that all R rows see
  OuterProduct p{a.scratch, a.v + col, ldScores, a.headDim, kLanes};
  V acc[R * C];
  TANDEM_UNROLL
  for (int i = 0; i < R * C; ++i) acc[i] = V::zero();
  addOuterProduct<V, R, C, Partial>(acc, p, 0, common, lastLanes);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    V one[C];
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) one[c] = acc[r * C + c];
    addOuterProduct<V, 1, C, Partial>(one, p, common, common + r, lastLanes);
    p.a += ldScores;
    const V divisor = V::broadcast(total[r]);
    float* out = a.out + (row + r) * a.ldo + col;
    TANDEM_UNROLL
    for (int c = 0; c < C - 1; ++c) V::div(one[c], divisor).store(out + c * kLanes);
    const V last = V::div(one[C - 1], divisor);
    if constexpr (Partial) {
      last.storePartial(out + (C - 1) * kLanes, lastLanes);
    } else {
      last.store(out + (C - 1) * kLanes);
    }
  }
}

template <class V, int R, int C>
void scoreTiles(const AttentionArgs& a, int64_t row, int64_t panel, int64_t nPanels,
                int64_t ldScores) {
  for (; panel + C <= nPanels; panel += C) scorePanels<V, R, C>(a, row, panel, ldScores);
  if constexpr (C > 1) scoreTiles<V, R, C / 2>(a, row, panel, nPanels, ldScores);
}

template <class V, int R, int C>
void weightedSums(const AttentionArgs& a, int64_t row, int64_t col, int64_t ldScores,
                  const float (&total)[R]) {
  for (; col + C * kLanes <= a.headDim; col += C * kLanes) {
    weightedSum<V, R, C, false>(a, row, col, ldScores, total);
  }
  if constexpr (C > 1) {
    weightedSums<V, R, C / 2>(a, row, col, ldScores, total);
  } else {
    if (col < a.headDim) weightedSum<V, R, 1, true>(a, row, col, ldScores, total);
  }
}

// Rows from `row` on: tiles of R rows, then one of what is left.
template <class V, int R>
void attentionRows(const AttentionArgs& a, int64_t row) {
  for (; row + R <= a.nRows; row += R) {
    const int64_t nPanels = (a.firstPosition + row + R + kKvPanel - 1) / kKvPanel;
    const int64_t ldScores = nPanels * kKvPanel;
    scoreTiles<V, R, R == 1 ? V::kAttentionSingleRowCols : V::kAttentionCols>(a, row, 0, nPanels,
                                                                              ldScores);
    float total[R];
    for (int r = 0; r < R; ++r) {
      total[r] = exponentials<V>(a.scratch + r * ldScores, a.firstPosition + row + r + 1);
    }
    weightedSums<V, R, V::kAttentionCols>(a, row, 0, ldScores, total);
  }
  if constexpr (R > 1) {
    if (row < a.nRows) attentionRows<V, R - 1>(a, row);
  }
}

template <class V>
void attention(const AttentionArgs& a) {
  static_assert(V::kAttentionRows <= kMaxAttentionRows, "the scratch would be too small");
  attentionRows<V, V::kAttentionRows>(a, 0);
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_ATTENTION_LOOPS_H_
