#include "model/transformer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/parallel.h"
#include "core/sizes.h"

namespace tandem {
namespace {

constexpr int64_t kActivationTableSize = 65536;
constexpr int64_t kAlignFloats = 16;  // a cache line

std::vector<float> copyTable(const float* table, const Config& c) {
  if (c.rope == Rope::kNone) return {};
  return {table, table + checkedProduct({c.maxSeq, c.headDim / 2}, "rope table")};
}

// The next matrix in a block of scratch memory.
View2<float> carve(float*& next, int64_t rows, int64_t cols) {
  const View2<float> view{next, rows, cols, cols};
  next += roundUp(rows * cols, kAlignFloats);
  return view;
}

}  // namespace

Transformer::Transformer(const StageSpec& spec, const td_stage_options& tables,
                         const Weights& weights, ThreadPool& pool, const KernelTable& kernels)
    : spec_(spec),
      c_(spec.config),
      weights_(weights),
      pool_(pool),
      kernels_(kernels),
      ropeCos_(copyTable(tables.rope_cos, spec.config)),
      ropeSin_(copyTable(tables.rope_sin, spec.config)),
      attentionPlan_(spec.config, pool.size()) {
  if (tables.activation_eval == TD_EVAL_TABLE) {
    activationTable_.assign(tables.activation_table,
                            tables.activation_table + kActivationTableSize);
  }
  activation_ = {c_.activation, activationTable_.empty() ? nullptr : activationTable_.data()};
}

void Transformer::reserve(int64_t nRows, int64_t capacity, int64_t nHeadRows) {
  const int64_t matrices = 8;
  const int64_t perRow = 2 * c_.dModel + 2 * c_.qSize() + 2 * c_.kvSize() + 2 * c_.dFf;
  passBuffer_.reserve(
      checkedSum(checkedProduct({nRows, perRow}, "scratch"), matrices * kAlignFloats, "scratch"));
  headBuffer_.reserve(checkedProduct({nHeadRows, c_.dModel}, "scratch"));
  const int64_t widest = std::max({c_.dModel, c_.qSize(), c_.dFf});
  if (std::any_of(std::begin(kAllWeightTypes), std::end(kAllWeightTypes),
                  [&](WeightType type) { return inPanels(type) && weights_.blocksHave(type); })) {
    converted_.reserveQuantized(nRows, widest);
  }
  if (inPanels(weights_.lmHead().type)) converted_.reserveQuantized(nHeadRows, c_.dModel);
  if (weights_.blocksHave(WeightType::kBf16) && kernels_.bf16Dots.matmul != nullptr) {
    converted_.reserveRounded(nRows, widest);
  }
  attentionPlan_.reserve(nRows, capacity);
  const int64_t nQueries = std::min(nRows * c_.queryGroup(), attentionPlan_.maxQueries());
  const int64_t perThread = roundUp(attentionScratchFloats(nQueries, c_.headDim), kAlignFloats);
  attentionStride_ = std::max(attentionStride_, perThread);
  attentionBuffer_.reserve(checkedProduct({pool_.size(), attentionStride_}, "scratch"));
  if (positions_.size() < static_cast<size_t>(nRows)) positions_.resize(static_cast<size_t>(nRows));
}

Transformer::Scratch Transformer::scratch(int64_t nRows) const {
  float* next = passBuffer_.data();
  Scratch s{};
  s.x = carve(next, nRows, c_.dModel);
  s.xn = carve(next, nRows, c_.dModel);
  s.q = carve(next, nRows, c_.qSize());
  s.k = carve(next, nRows, c_.kvSize());
  s.v = carve(next, nRows, c_.kvSize());
  s.att = carve(next, nRows, c_.qSize());
  s.gate = carve(next, nRows, c_.dFf);
  s.up = carve(next, nRows, c_.dFf);
  assert(next <= passBuffer_.data() + passBuffer_.size());
  return s;
}

View2<float> Transformer::hidden(int64_t nRows) { return scratch(nRows).x; }

View2<float> Transformer::headInput(int64_t nRows) {
  return {headBuffer_.data(), nRows, c_.dModel, c_.dModel};
}

void Transformer::blocks(const std::vector<Segment>& segments, const RowRanges& ranges,
                         int64_t nRows) {
  s_ = scratch(nRows);
  segments_ = &segments;
  attentionPlan_.make(segments);
  ranges_ = &ranges;
  for (const Segment& segment : segments) {
    for (int64_t r = 0; r < segment.nRows; ++r) {
      positions_[static_cast<size_t>(segment.row + r)] = segment.position + r;
    }
  }
  const std::vector<BlockWeights>& blocks = weights_.blocks();
  for (size_t layer = 0; layer < blocks.size(); ++layer) {
    block(blocks[layer], static_cast<int64_t>(layer));
  }
}

void Transformer::block(const BlockWeights& w, int64_t layer) {
  norm(s_.xn, s_.x, w.attnNorm);  // [nTok, dModel]
  matmul({{s_.q, s_.xn, w.wq},    // [nTok, nHeads * headDim]
          {s_.k, s_.xn, w.wk},    // [nTok, nKvHeads * headDim]
          {s_.v, s_.xn, w.wv}});
  rope(s_.q);
  rope(s_.k);
  store(layer, s_.k, s_.v);              // at the rows' positions
  attention(s_.att, s_.q, layer);        // row t sees 0 .. pos + t
  matmul({{s_.x, s_.att, w.wo, true}});  // x += att * wo^T
  norm(s_.xn, s_.x, w.ffnNorm);          // [nTok, dModel]
  feedForward(w);                        // x += ...
}

void Transformer::feedForward(const BlockWeights& w) {
  if (c_.gated) {
    matmul({{s_.gate, s_.xn, w.wGate}, {s_.up, s_.xn, w.wUp}});
    multiplyByActivated(s_.up, s_.gate);  // [nTok, dFf]
  } else {
    matmul({{s_.up, s_.xn, w.wUp, false, &activation_}});  // [nTok, dFf]
  }
  matmul({{s_.x, s_.up, w.wDown, true}});
}

void Transformer::head(View2<float> logits) {
  const View2<float> x = headInput(logits.rows);
  norm(x, x, weights_.outputNorm());
  headRanges_.exact.front().count = logits.rows;
  multiply({{logits, x, weights_.lmHead()}}, headRanges_, converted_, pool_, kernels_);
}

void Transformer::matmul(std::initializer_list<Product> products) {
  multiply(products, *ranges_, converted_, pool_, kernels_);
}

void Transformer::norm(View2<float> y, View2<const float> x, const NormWeights& w) {
  parallelFor(pool_, x.rows, x.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      if (c_.norm == Norm::kLayer) {
        kernels_.layerNorm(y.row(r), x.row(r), w.gain, w.bias, x.cols, c_.normEps);
      } else {
        kernels_.rmsNorm(y.row(r), x.row(r), w.gain, x.cols, c_.normEps);
      }
    }
  });
}

void Transformer::rope(View2<float> heads) {
  if (c_.rope == Rope::kNone) return;
  const int64_t half = c_.headDim / 2;
  parallelFor(pool_, heads.rows, heads.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t angle = positions_[static_cast<size_t>(r)] * half;
      for (int64_t i = 0; i < heads.cols; i += c_.headDim) {
        kernels_.rope(heads.row(r) + i, ropeCos_.data() + angle, ropeSin_.data() + angle,
                      c_.headDim, c_.rope == Rope::kInterleaved);
      }
    }
  });
}

void Transformer::store(int64_t layer, View2<const float> k, View2<const float> v) {
  const std::vector<Segment>& segments = *segments_;
  const int64_t nHeads = c_.nKvHeads;
  const auto nSegments = static_cast<int64_t>(segments.size());
  // A row touches all cache lines of a panel of K.
  const int64_t nRows = std::max(ceilDiv(k.rows, nSegments), kKvPanel);
  const int64_t cost = nRows * c_.headDim * 2;
  parallelFor(pool_, nSegments * nHeads, cost, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const Segment& segment = segments[static_cast<size_t>(i / nHeads)];
      const int64_t head = i % nHeads;
      const auto rows = [&](View2<const float> all) {
        const View2<const float> columns = all.columns(head * c_.headDim, c_.headDim);
        return View2<const float>{columns.row(segment.row), segment.nRows, c_.headDim, all.stride};
      };
      segment.kv->store(layer, head, segment.position, rows(k), rows(v));
    }
  });
}

void Transformer::attention(View2<float> out, View2<const float> q, int64_t layer) {
  const KvKernels& kv = kernels_.kv[static_cast<int>(spec_.kvType)];
  pool_.run(attentionPlan_.nTasks(), [&](int64_t task, int thread) {
    attentionPlan_.eachPart(task, [&](const AttentionPlan::Part& part) {
      const AttentionPlan::Tile& tile = *part.tile;
      const Segment& segment = *tile.segment;
      const int64_t col = tile.kvHead * c_.queryGroup() * c_.headDim;
      AttentionArgs a{};
      a.q = q.row(segment.row + tile.row) + col;
      a.k = segment.kv->k(layer, tile.kvHead);
      a.v = segment.kv->v(layer, tile.kvHead);
      a.out = out.row(segment.row + tile.row) + col;
      a.scratch = attentionBuffer_.data() + thread * attentionStride_;
      a.partials = part.whole() ? nullptr : tile.partials;
      a.ldq = q.stride;
      a.ldo = out.stride;
      a.kvRowBytes = kvRowBytes(spec_.kvType, c_.headDim);
      a.nRows = tile.nRows;
      a.nHeads = c_.queryGroup();
      a.firstPosition = segment.position + tile.row;
      a.headDim = c_.headDim;
      a.blockBegin = part.begin;
      a.blockEnd = part.end;
      a.scale = 1.0F / std::sqrt(static_cast<float>(c_.headDim));
      kv.attention(a);
      if (!part.whole() && attentionPlan_.finish(part)) kernels_.combinePartials(a);
    });
  });
}

// up = act(gate) * up
void Transformer::multiplyByActivated(View2<float> up, View2<const float> gate) {
  assert(gate.stride == gate.cols && up.stride == up.cols);  // so that rows are one run of elements
  constexpr int64_t kCost = 4 * kAlignFloats;  // a look-up misses the cache, a formula is long
  parallelFor(pool_, ceilDiv(up.rows * up.cols, kAlignFloats), kCost,
              [&](int64_t begin, int64_t end, int) {
                const int64_t first = begin * kAlignFloats;
                const int64_t last = std::min(end * kAlignFloats, up.rows * up.cols);
                kernels_.activate(up.data + first, gate.data + first, up.data + first, last - first,
                                  activation_.kind, activation_.table);
              });
}

}  // namespace tandem
