// Causal attention of the query heads that share a KV head, over 16 lanes. F is one of
// kv_formats.h, V its instruction set's Vec16.
//
// Scores and outputs are both outer products: scores[r, t] = sum_d q[r, d] K[t, d] with a lane for
// each position of a K group, and out[r, d] = sum_t p[r, t] V[t, d] with a lane for each d. So no
// sum crosses lanes, and each output is one sequence of FMAs for any tile.
//
// A "query" is one head of one row. Positions are processed in pages; each query reduces a page by
// itself, then adds it to its state. So K and V are read once for any number of queries that share
// them, and pages may also be reduced separately and added later. A page that several tiles of
// queries read is converted to f32 once.
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

inline constexpr int64_t kKvPrefetchBytes = 4096;  // ahead of the reads from memory

// One page.
struct KvPage {
  const unsigned char* k;  // groups
  const unsigned char* v;  // rows
  int64_t rowBytes, headDim;
};

// A query's state over the positions so far: the sums before the division, and the two numbers of
// the softmax. In memory, the sums are padded to whole vectors and followed by these two.
struct Softmax {
  float max, total;
};
static inline float* softmaxOf(float* partial, int64_t headDim) {
  return partial + attentionPartialFloats(headDim) - kLanes;
}

// Whether R queries are the only tile that reads a page, which then comes from memory. (An f32 tile
// with fewer queries than the maximum may also be one of several; then this matters little.)
template <class F, int R>
inline constexpr bool kReadsMemory =
    !std::is_same_v<F, F32Kv<typename F::Vec>> || R < F::Vec::kAttentionRows;

// scores[r * kKvPage + 16 * c + j] = scale * q[r] K[16 * c + j] for R queries and C groups. q:
// (headDim, R).
template <class F, int R, int C>
void scoreGroups(const float* q, const KvPage& kv, int64_t group, float scale, float* scores) {
  using V = typename F::Vec;
  const int64_t groupBytes = kv.rowBytes * kKvGroup;
  const unsigned char* block = kv.k + group * groupBytes;
  // Prefetches the same place in groups that a later call reads.
  const int64_t callBytes = C * groupBytes;
  const int64_t ahead = (kKvPrefetchBytes + callBytes - 1) / callBytes * callBytes;
  V acc[R * C];
  TANDEM_UNROLL
  for (int i = 0; i < R * C; ++i) acc[i] = V::zero();
  for (int64_t d = 0; d < kv.headDim; d += kKvBlock, block += F::kBlockBytes * kKvGroup) {
    const int64_t n = std::min(kKvBlock, kv.headDim - d);
    typename F::Keys keys[C];
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) keys[c] = F::keys(block + c * groupBytes);
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
      V::mul(acc[r * C + c], factor).store(scores + r * kKvPage + (group + c) * kKvGroup);
    }
  }
}

template <class F, int R, int C>
void scoreTiles(const float* q, const KvPage& kv, int64_t group, int64_t nGroups, float scale,
                float* scores) {
  for (; group + C <= nGroups; group += C) scoreGroups<F, R, C>(q, kv, group, scale, scores);
  if constexpr (C > 1) scoreTiles<F, R, C / 2>(q, kv, group, nGroups, scale, scores);
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

// acc[r * C + c] += p[r, t] V[t, col + 16 c ...] for positions [begin, end) of the page; if
// Partial, only lastLanes of the last vector. p: rows kKvPage apart.
template <class F, int R, int C, bool Partial>
inline void addValues(typename F::Vec (&acc)[R * C], const float* p, const KvPage& kv, int64_t col,
                      int64_t begin, int64_t end, int64_t lastLanes) {
  using V = typename F::Vec;
  static_assert(C == 1 || C % 2 == 0, "pairs of vectors share a block");
  constexpr int kPairs = (C + 1) / 2;
  const int64_t at = col % kKvBlock;  // other than zero only for a single vector
  const unsigned char* row = kv.v + begin * kv.rowBytes + col / kKvBlock * F::kBlockBytes;
  for (int64_t t = begin; t < end; ++t, row += kv.rowBytes) {
    typename F::Values values[kPairs];
    TANDEM_UNROLL
    for (int i = 0; i < kPairs; ++i) values[i] = F::values(row + i * F::kBlockBytes);
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
      const V pv = V::broadcast(p[r * kKvPage + t]);
      TANDEM_UNROLL
      for (int c = 0; c < C; ++c) acc[r * C + c] = V::fma(pv, v[c], acc[r * C + c]);
    }
  }
}

// For R queries, query r sees the first seen[r] positions of the page; seen is ascending.
template <int R>
struct Seen {
  int64_t positions[R];
};

// Columns [col, col + 16 C) of the sums of R queries, from their p.
template <class F, int R, int C, bool Partial>
void weightedSum(const float* p, const KvPage& kv, int64_t col, const Seen<R>& seen,
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
    addValues<F, 1, C, Partial>(one, p + r * kKvPage, kv, col, common, seen.positions[r],
                                lastLanes);
    TANDEM_UNROLL
    for (int c = 0; c < C; ++c) one[c].store(partials[r] + col + c * kLanes);
  }
}

template <class F, int R, int C>
void weightedSums(const float* p, const KvPage& kv, int64_t col, const Seen<R>& seen,
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

// Adds partial to the state of one query.
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

// The number of the page's positions that a query sees.
static inline int64_t seenPositions(const AttentionArgs& a, int64_t query, int64_t page) {
  const int64_t position = a.firstPosition + query / a.nHeads;
  return std::clamp<int64_t>(position + 1 - page * kKvPage, 0, kKvPage);
}

// Reduces the page for R queries. q: (headDim, R).
template <class F, int R>
void reduceTile(const AttentionArgs& a, const KvPage& kv, int64_t page, int64_t query,
                const float* q, float* scores, float* partials) {
  using V = typename F::Vec;
  Seen<R> seen;
  float* to[R];
  for (int r = 0; r < R; ++r) {
    seen.positions[r] = seenPositions(a, query + r, page);
    to[r] = partials + (query + r) * attentionPartialFloats(a.headDim);
  }
  const int64_t most = seen.positions[R - 1];
  if (most == 0) return;
  scoreTiles<F, R, V::attentionGroups(R)>(q, kv, 0, (most + kKvGroup - 1) / kKvGroup, a.scale,
                                          scores);
  for (int r = 0; r < R; ++r) {
    if (seen.positions[r] == 0) continue;
    const Softmax s = exponentials<V>(scores + r * kKvPage, seen.positions[r]);
    float* const softmax = softmaxOf(to[r], a.headDim);
    softmax[0] = s.max;
    softmax[1] = s.total;
  }
  weightedSums<F, R, V::attentionCols(R)>(scores, kv, 0, seen, to);
}

// Reduces the page for all queries; q holds their tiles as (headDim, R).
template <class F>
void reducePage(const AttentionArgs& a, const KvPage& kv, int64_t page, const float* q,
                float* scores, float* partials) {
  forEachRowTile<F::Vec::kAttentionRows>(a.nRows * a.nHeads, [&](auto tile, int64_t query) {
    reduceTile<F, decltype(tile)::value>(a, kv, page, query, q + query * a.headDim, scores,
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

// Converts the page's first n positions to f32.
template <class F>
KvPage expandPage(const KvPage& kv, int64_t n, float* to) {
  using V = typename F::Vec;
  constexpr int64_t kFloat = sizeof(float);
  float* const k = to;
  float* const v = to + kKvPage * kv.headDim;
  for (int64_t t = 0; t < n; t += kKvGroup) {
    const unsigned char* block = kv.k + t * kv.rowBytes;
    float* group = k + t * kv.headDim;
    for (int64_t d = 0; d < kv.headDim; d += kKvBlock, block += F::kBlockBytes * kKvGroup) {
      const auto keys = F::keys(block);
      const int64_t elements = std::min(kKvBlock, kv.headDim - d);
      for (int64_t i = 0; i < elements; ++i) {
        F::key(keys, i).store(group + (d + i) * kKvGroup);
      }
    }
  }
  for (int64_t t = 0; t < n; ++t) {
    const unsigned char* block = kv.v + t * kv.rowBytes;
    for (int64_t d = 0; d < kv.headDim; d += kKvBlock, block += F::kBlockBytes) {
      const auto values = F::values(block);
      eachVector(std::min(kKvBlock, kv.headDim - d), [&](int64_t i, int64_t m) {
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
        expanded(scores + kMaxAttentionRows * kKvPage) {}
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
  for (int64_t page = a.pageBegin; page < a.pageEnd; ++page) {
    const int64_t begin = page * kKvPage * a.kvRowBytes;
    const KvPage kv{static_cast<const unsigned char*>(a.k) + begin,
                    static_cast<const unsigned char*>(a.v) + begin, a.kvRowBytes, a.headDim};
    float* const to = a.partials != nullptr ? a.partials + page * nQueries * stride
                      : page == 0           ? s.state
                                            : s.partials;
    if (expand) {
      const KvPage f32 = expandPage<F>(kv, seenPositions(a, nQueries - 1, page), s.expanded);
      reducePage<F32Kv<V>>(a, f32, page, s.q, s.scores, to);
    } else {
      reducePage<F>(a, kv, page, s.q, s.scores, to);
    }
    if (to != s.partials) continue;
    for (int64_t i = 0; i < nQueries; ++i) {
      if (seenPositions(a, i, page) > 0) {
        fold<V>(s.state + i * stride, to + i * stride, a.headDim);
      }
    }
  }
  if (a.partials != nullptr) return;
  for (int64_t i = 0; i < nQueries; ++i) {
    divide<V>(outputOf(a, i), s.state + i * stride, a.headDim);
  }
}

// Adds the partials of all pages, and overwrites them.
template <class V>
void combinePartials(const AttentionArgs& a) {
  const int64_t nQueries = a.nRows * a.nHeads;
  const int64_t stride = attentionPartialFloats(a.headDim);
  for (int64_t i = 0; i < nQueries; ++i) {
    float* const state = a.partials + i * stride;
    for (int64_t page = 1; seenPositions(a, i, page) > 0; ++page) {
      fold<V>(state, state + page * nQueries * stride, a.headDim);
    }
    divide<V>(outputOf(a, i), state, a.headDim);
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_ATTENTION_LOOPS_H_
