// Causal attention of the query heads that share a KV head, over 16 lanes. F is one of
// kv_formats.h, V its instruction set's Vec16.
//
// Scores and outputs are both outer products: scores[r, t] = sum_d q[r, d] K[t, d] with a lane for
// each position of a K panel, and out[r, d] = sum_t p[r, t] V[t, d] with a lane for each d. So no
// sum runs across lanes, and each output is one sequence of FMAs whatever the tile.
//
// A "query" is one head of one row. Positions go by in blocks; each query reduces a block on its
// own, then adds it to what it has. So K and V are read once, however many queries share them, and
// blocks may also be reduced apart and added afterwards. A block that several tiles of queries read
// becomes f32 once.
#ifndef TANDEM_KERNELS_ATTENTION_LOOPS_H_
#define TANDEM_KERNELS_ATTENTION_LOOPS_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/kernels.h"
#include "kernels/kv_formats.h"
#include "kernels/row_loops.h"
#include "kernels/row_tiles.h"
#include "kernels/unroll.h"
#include "kernels/vec_math.h"

namespace tandem {

inline constexpr int64_t kKvPrefetchBytes = 4096;  // ahead of what comes from memory

// One block of positions.
struct KvBlock {
  const unsigned char* k;  // panels
  const unsigned char* v;  // rows
  int64_t rowBytes, headDim;
};

// What a query has of the positions so far: sums to be divided, and what the softmax needs to add
// more. In memory the sums, padded to whole vectors, then these two.
struct Softmax {
  float max, total;
};
static inline float* softmaxOf(float* partial, int64_t headDim) {
  return partial + attentionPartialFloats(headDim) - kLanes;
}

// Whether R queries are the only tile that reads a block, which then comes from memory. (An f32
// tile of fewer queries than the most may also be one of several, where it does not matter much.)
template <class F, int R>
inline constexpr bool kReadsMemory =
    !std::is_same_v<F, F32Kv<typename F::Vec>> || R < F::Vec::kAttentionRows;

// scores[r * kKvBlock + 16 * c + j] = scale * q[r] K[16 * c + j] for R queries and C panels.
// q: (headDim, R).
template <class F, int R, int C>
void scorePanels(const float* q, const KvBlock& kv, int64_t panel, float scale, float* scores) {
  using V = typename F::Vec;
  const int64_t panelBytes = kv.rowBytes * kKvPanel;
  const unsigned char* chunk = kv.k + panel * panelBytes;
  // To the same place in panels that a later call reads.
  const int64_t group = C * panelBytes;
  const int64_t ahead = (kKvPrefetchBytes + group - 1) / group * group;
  V acc[R * C];
  TANDEM_UNROLL
  for (int i = 0; i < R * C; ++i) acc[i] = V::zero();
  for (int64_t d = 0; d < kv.headDim; d += kKvChunk, chunk += F::kChunkBytes * kKvPanel) {
    const int64_t n = std::min(kKvChunk, kv.headDim - d);
    typename F::Keys keys[C];
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) keys[c] = F::keys(chunk + c * panelBytes);
    for (int64_t i = 0; i < n; ++i, q += R) {
      V kv16[C];
      TANDEM_UNROLL
      for (int c = 0; c < C; ++c) {
        if constexpr (kReadsMemory<F, R>) prefetchLine<V>(keys[c].data, i * kLanes, ahead);
        kv16[c] = F::key(keys[c], i);
      }
      TANDEM_UNROLL
      for (int r = 0; r < R; ++r) {
        const V qv = V::broadcast(q[r]);
        TANDEM_UNROLL
        for (int c = 0; c < C; ++c) acc[r * C + c] = V::fma(qv, kv16[c], acc[r * C + c]);
      }
    }
  }
  const V factor = V::broadcast(scale);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) {
      V::mul(acc[r * C + c], factor).store(scores + r * kKvBlock + (panel + c) * kKvPanel);
    }
  }
}

template <class F, int R, int C>
void scoreTiles(const float* q, const KvBlock& kv, int64_t panel, int64_t nPanels, float scale,
                float* scores) {
  for (; panel + C <= nPanels; panel += C) scorePanels<F, R, C>(q, kv, panel, scale, scores);
  if constexpr (C > 1) scoreTiles<F, R, C / 2>(q, kv, panel, nPanels, scale, scores);
}

// In place: p[t] = e^(s[t] - max s) for t < n; the total of p is over the virtual lanes.
template <class V>
inline Softmax exponentials(float* s, int64_t n) {
  const int64_t whole = n - n % kLanes;
  const auto rest = V::firstLanes(n % kLanes);
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  V largest = V::broadcast(kLowest);
  for (int64_t t = 0; t < whole; t += kLanes) largest = V::max(largest, V::load(s + t));
  if (whole < n) largest = V::max(largest, V::select(rest, V::load(s + whole), largest));
  const float maxScore = largest.maxLane();
  const V max = V::broadcast(maxScore);
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
  return {maxScore, sum.sum()};
}

// acc[r * C + c] += p[r, t] V[t, col + 16 c ...] for positions [begin, end) of the block; of the
// last vector only lastLanes when Partial. p: rows kKvBlock apart.
template <class F, int R, int C, bool Partial>
inline void addValues(typename F::Vec (&acc)[R * C], const float* p, const KvBlock& kv, int64_t col,
                      int64_t begin, int64_t end, int64_t lastLanes) {
  using V = typename F::Vec;
  static_assert(C == 1 || C % 2 == 0, "pairs of vectors share a chunk");
  constexpr int kPairs = (C + 1) / 2;
  const int64_t at = col % kKvChunk;  // not zero for a single vector only
  const unsigned char* row = kv.v + begin * kv.rowBytes + col / kKvChunk * F::kChunkBytes;
  for (int64_t t = begin; t < end; ++t, row += kv.rowBytes) {
    typename F::Values values[kPairs];
    TANDEM_UNROLL
    for (int i = 0; i < kPairs; ++i) values[i] = F::values(row + i * F::kChunkBytes);
    V v[C];
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) {
      const int64_t first = at + c % 2 * kLanes;
      if constexpr (kReadsMemory<F, R>) {
        prefetchLine<V>(values[c / 2].data, first, kKvPrefetchBytes);
      }
      v[c] = Partial && c == C - 1 ? F::partialValue(values[c / 2], first, lastLanes)
                                   : F::value(values[c / 2], first);
    }
    TANDEM_UNROLL
    for (int r = 0; r < R; ++r) {
      const V pv = V::broadcast(p[r * kKvBlock + t]);
      TANDEM_UNROLL
      for (int c = 0; c < C; ++c) acc[r * C + c] = V::fma(pv, v[c], acc[r * C + c]);
    }
  }
}

// Of R queries that see the block's first seen[r] positions, seen rising.
template <int R>
struct Seen {
  int64_t positions[R];
};

// Columns [col, col + 16 C) of the sums of R queries, from their p.
template <class F, int R, int C, bool Partial>
void weightedSum(const float* p, const KvBlock& kv, int64_t col, const Seen<R>& seen,
                 float* const (&partials)[R]) {
  using V = typename F::Vec;
  const int64_t lastLanes = kv.headDim - col - (C - 1) * kLanes;
  const int64_t common = seen.positions[0];  // all see them
  V acc[R * C];
  TANDEM_UNROLL
  for (int i = 0; i < R * C; ++i) acc[i] = V::zero();
  addValues<F, R, C, Partial>(acc, p, kv, col, 0, common, lastLanes);
  TANDEM_UNROLL
  for (int r = 0; r < R; ++r) {
    V one[C];
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) one[c] = acc[r * C + c];
    addValues<F, 1, C, Partial>(one, p + r * kKvBlock, kv, col, common, seen.positions[r],
                                lastLanes);
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) one[c].store(partials[r] + col + c * kLanes);
  }
}

template <class F, int R, int C>
void weightedSums(const float* p, const KvBlock& kv, int64_t col, const Seen<R>& seen,
                  float* const (&partials)[R]) {
  for (; col + C * kLanes <= kv.headDim; col += C * kLanes) {
    weightedSum<F, R, C, false>(p, kv, col, seen, partials);
  }
  if constexpr (C > 1) {
    weightedSums<F, R, C / 2>(p, kv, col, seen, partials);
  } else {
    if (col < kv.headDim) weightedSum<F, R, 1, true>(p, kv, col, seen, partials);
  }
}

// state = state and then partial, of one query.
template <class V>
inline void fold(float* state, float* partial, int64_t headDim) {
  float* const a = softmaxOf(state, headDim);
  const float* const b = softmaxOf(partial, headDim);
  const V max = V::max(V::broadcast(a[0]), V::broadcast(b[0]));
  const V aFactor = vexp(V::sub(V::broadcast(a[0]), max));
  const V bFactor = vexp(V::sub(V::broadcast(b[0]), max));
  for (int64_t d = 0; d < headDim; d += kLanes) {
    V::fma(V::load(state + d), aFactor, V::mul(V::load(partial + d), bFactor)).store(state + d);
  }
  V::fma(V::broadcast(a[1]), aFactor, V::mul(V::broadcast(b[1]), bFactor)).storePartial(a + 1, 1);
  max.storePartial(a, 1);
}

template <class V>
inline void divide(float* out, float* state, int64_t headDim) {
  const V total = V::broadcast(softmaxOf(state, headDim)[1]);
  eachVector(headDim, [&](int64_t d, int64_t n) {
    storeFirst(V::div(V::load(state + d), total), out + d, n);
  });
}

static inline float* outputOf(const AttentionArgs& a, int64_t query) {
  const int64_t row = query / a.nHeads;
  return a.out + row * a.ldo + (query - row * a.nHeads) * a.headDim;
}

// How many of the block's positions a query sees.
static inline int64_t seenPositions(const AttentionArgs& a, int64_t query, int64_t block) {
  const int64_t position = a.firstPosition + query / a.nHeads;
  return std::clamp<int64_t>(position + 1 - block * kKvBlock, 0, kKvBlock);
}

// Reduces the block for R queries. q: (headDim, R).
template <class F, int R>
void reduceTile(const AttentionArgs& a, const KvBlock& kv, int64_t block, int64_t query,
                const float* q, float* scores, float* partials) {
  using V = typename F::Vec;
  Seen<R> seen;
  float* to[R];
  for (int r = 0; r < R; ++r) {
    seen.positions[r] = seenPositions(a, query + r, block);
    to[r] = partials + (query + r) * attentionPartialFloats(a.headDim);
  }
  const int64_t most = seen.positions[R - 1];
  if (most == 0) return;
  scoreTiles<F, R, V::attentionPanels(R)>(q, kv, 0, (most + kKvPanel - 1) / kKvPanel, a.scale,
                                          scores);
  for (int r = 0; r < R; ++r) {
    if (seen.positions[r] == 0) continue;
    const Softmax s = exponentials<V>(scores + r * kKvBlock, seen.positions[r]);
    float* const softmax = softmaxOf(to[r], a.headDim);
    softmax[0] = s.max;
    softmax[1] = s.total;
  }
  weightedSums<F, R, V::attentionCols(R)>(scores, kv, 0, seen, to);
}

// Reduces the block for all queries, whose tiles q holds as (headDim, R).
template <class F>
void reduceBlock(const AttentionArgs& a, const KvBlock& kv, int64_t block, const float* q,
                 float* scores, float* partials) {
  forEachRowTile<F::Vec::kAttentionRows>(a.nRows * a.nHeads, [&](auto tile, int64_t query) {
    reduceTile<F, decltype(tile)::value>(a, kv, block, query, q + query * a.headDim, scores,
                                         partials);
  });
}

template <class V>
void packQueries(const AttentionArgs& a, float* to) {
  forEachRowTile<V::kAttentionRows>(a.nRows * a.nHeads, [&](auto tile, int64_t query) {
    constexpr int kQueries = decltype(tile)::value;
    for (int r = 0; r < kQueries; ++r) {
      const int64_t row = (query + r) / a.nHeads;
      const float* q = a.q + row * a.ldq + (query + r - row * a.nHeads) * a.headDim;
      for (int64_t d = 0; d < a.headDim; ++d) to[query * a.headDim + d * kQueries + r] = q[d];
    }
  });
}

// The block's first n positions as f32.
template <class F>
KvBlock expandBlock(const KvBlock& kv, int64_t n, float* to) {
  using V = typename F::Vec;
  constexpr int64_t kFloat = sizeof(float);
  float* const k = to;
  float* const v = to + kKvBlock * kv.headDim;
  for (int64_t t = 0; t < n; t += kKvPanel) {
    const unsigned char* chunk = kv.k + t * kv.rowBytes;
    float* panel = k + t * kv.headDim;
    for (int64_t d = 0; d < kv.headDim; d += kKvChunk, chunk += F::kChunkBytes * kKvPanel) {
      const auto keys = F::keys(chunk);
      const int64_t elements = std::min(kKvChunk, kv.headDim - d);
      for (int64_t i = 0; i < elements; ++i) {
        F::key(keys, i).store(panel + (d + i) * kKvPanel);
      }
    }
  }
  for (int64_t t = 0; t < n; ++t) {
    const unsigned char* chunk = kv.v + t * kv.rowBytes;
    for (int64_t d = 0; d < kv.headDim; d += kKvChunk, chunk += F::kChunkBytes) {
      const auto values = F::values(chunk);
      eachVector(std::min(kKvChunk, kv.headDim - d), [&](int64_t i, int64_t m) {
        const V x = m == kLanes ? F::value(values, i) : F::partialValue(values, i, m);
        storeFirst(x, v + t * kv.headDim + d + i, m);
      });
    }
  }
  return {reinterpret_cast<const unsigned char*>(k), reinterpret_cast<const unsigned char*>(v),
          kv.headDim * kFloat, kv.headDim};
}

// The parts of a thread's scratch memory.
template <class V>
struct AttentionScratch {
  float *q, *state, *partials, *scores, *expanded;
  AttentionScratch(float* scratch, int64_t nQueries, int64_t headDim)
      : q(scratch),
        state(q + nQueries * headDim),
        partials(state + nQueries * attentionPartialFloats(headDim)),
        scores(partials + nQueries * attentionPartialFloats(headDim)),
        expanded(scores + kMaxAttentionRows * kKvBlock) {}
};

template <class F>
void attention(const AttentionArgs& a) {
  using V = typename F::Vec;
  static_assert(V::kAttentionRows <= kMaxAttentionRows, "the scratch would be too small");
  const int64_t nQueries = a.nRows * a.nHeads;
  const int64_t stride = attentionPartialFloats(a.headDim);
  const AttentionScratch<V> s(a.scratch, nQueries, a.headDim);
  const bool expand = !std::is_same_v<F, F32Kv<V>> && nQueries > V::kAttentionRows;
  packQueries<V>(a, s.q);
  for (int64_t block = a.blockBegin; block < a.blockEnd; ++block) {
    const int64_t begin = block * kKvBlock * a.kvRowBytes;
    const KvBlock kv{static_cast<const unsigned char*>(a.k) + begin,
                     static_cast<const unsigned char*>(a.v) + begin, a.kvRowBytes, a.headDim};
    float* const to = a.partials != nullptr ? a.partials + block * nQueries * stride
                      : block == 0          ? s.state
                                            : s.partials;
    if (expand) {
      const KvBlock f32 = expandBlock<F>(kv, seenPositions(a, nQueries - 1, block), s.expanded);
      reduceBlock<F32Kv<V>>(a, f32, block, s.q, s.scores, to);
    } else {
      reduceBlock<F>(a, kv, block, s.q, s.scores, to);
    }
    if (to != s.partials) continue;
    for (int64_t i = 0; i < nQueries; ++i) {
      if (seenPositions(a, i, block) > 0) {
        fold<V>(s.state + i * stride, to + i * stride, a.headDim);
      }
    }
  }
  if (a.partials != nullptr) return;
  for (int64_t i = 0; i < nQueries; ++i) {
    divide<V>(outputOf(a, i), s.state + i * stride, a.headDim);
  }
}

// From the partials of all blocks, which it overwrites.
template <class V>
void combinePartials(const AttentionArgs& a) {
  const int64_t nQueries = a.nRows * a.nHeads;
  const int64_t stride = attentionPartialFloats(a.headDim);
  for (int64_t i = 0; i < nQueries; ++i) {
    float* const state = a.partials + i * stride;
    for (int64_t block = 1; seenPositions(a, i, block) > 0; ++block) {
      fold<V>(state, state + block * nQueries * stride, a.headDim);
    }
    divide<V>(outputOf(a, i), state, a.headDim);
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_ATTENTION_LOOPS_H_
