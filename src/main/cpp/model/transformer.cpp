#include "model/transformer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/cache_line.h"
#include "core/parallel.h"
#include "core/sizes.h"

namespace tandem {
namespace {

constexpr int64_t kMatrices = 8;  // of a pass; each begins on a cache line

// The next matrix in a piece of scratch memory.
View2<float> carve(float*& next, int64_t rows, int64_t cols) {
  const View2<float> view{next, rows, cols, cols};
  next += roundUp(rows * cols, kCacheLineFloats);
  return view;
}

}  // namespace

Transformer::Transformer(const StageSpec& spec, const TableData& tables, const Weights& weights,
                         ThreadPool& pool, const KernelTable& kernels)
    : spec_(spec),
      c_(spec.config),
      weights_(weights),
      pool_(pool),
      kernels_(kernels),
      tables_(spec.config, tables),
      activation_{spec.config.activation, tables_.activation()},
      attentionPlan_(spec.config, pool.size()) {}

void Transformer::reserve(int64_t nRows, int64_t capacity, int64_t nHeadRows) {
  passBuffer_.reserve(activationFloats(nRows));
  headBuffer_.reserve(checkedProduct({nHeadRows, c_.dModel}, "scratch"));
  const int64_t widest = std::max({c_.dModel, c_.qSize(), c_.dFf});
  if (std::any_of(std::begin(kAllWeightTypes), std::end(kAllWeightTypes),
                  [&](WeightType type) { return inPanels(type) && weights_.layersHave(type); })) {
    products_.converted.reserveQuantized(nRows, widest);
  }
  if (inPanels(weights_.lmHead().type)) products_.converted.reserveQuantized(nHeadRows, c_.dModel);
  if (weights_.layersHave(WeightType::kBf16) && kernels_.bf16Dots.matmul != nullptr) {
    products_.converted.reserveRounded(nRows, widest);
  }
  products_.reserveJobs(nRows);
  attentionPlan_.reserve(nRows, capacity);
  attentionStride_ = std::max(attentionStride_, attentionFloats(nRows));
  attentionBuffer_.reserve(checkedProduct({pool_.size(), attentionStride_}, "scratch"));
  if (positions_.size() < static_cast<size_t>(nRows)) positions_.resize(static_cast<size_t>(nRows));
}

int64_t Transformer::activationFloats(int64_t nRows) const {
  const int64_t perRow = 2 * c_.dModel + 2 * c_.qSize() + 2 * c_.kvSize() + 2 * c_.dFf;
  return checkedSum(checkedProduct({nRows, perRow}, "scratch"), kMatrices * kCacheLineFloats,
                    "scratch");
}

// Scratch of one thread.
int64_t Transformer::attentionFloats(int64_t nRows) const {
  const int64_t nQueries = std::min(nRows * c_.headsPerKvHead(), attentionPlan_.maxQueries());
  return roundUp(attentionScratchFloats(nQueries, c_.headDim), kCacheLineFloats);
}

Transformer::Activations Transformer::activations(int64_t nRows) const {
  requireRoom(activationFloats(nRows), passBuffer_.size(), "activations");
  float* next = passBuffer_.data();
  Activations a{};
  a.x = carve(next, nRows, c_.dModel);
  a.xn = carve(next, nRows, c_.dModel);
  a.q = carve(next, nRows, c_.qSize());
  a.k = carve(next, nRows, c_.kvSize());
  a.v = carve(next, nRows, c_.kvSize());
  a.att = carve(next, nRows, c_.qSize());
  a.gate = carve(next, nRows, c_.dFf);
  a.up = carve(next, nRows, c_.dFf);
  return a;
}

View2<float> Transformer::hidden(int64_t nRows) { return activations(nRows).x; }

View2<float> Transformer::headInput(int64_t nRows) {
  requireRoom(nRows * c_.dModel, headBuffer_.size(), "the head's rows");
  return {headBuffer_.data(), nRows, c_.dModel, c_.dModel};
}

// Checks what activations() and the attention plan do not check themselves.
void Transformer::checkRoom(const std::vector<Segment>& segments, int64_t nRows) const {
  requireRoom(nRows, static_cast<int64_t>(positions_.size()), "positions");
  requireRoom(attentionFloats(nRows), attentionStride_, "attention");
  for (const Segment& segment : segments) {
    requireRoom(segment.row + segment.nRows, nRows, "rows of a pass");
    requireRoom(segment.position + segment.nRows, segment.kv->capacity(), "KV cache");
  }
}

void Transformer::layers(const std::vector<Segment>& segments, const RowRanges& ranges,
                         int64_t nRows) {
  checkRoom(segments, nRows);
  const Pass pass{activations(nRows), segments, ranges, positions_.data()};
  attentionPlan_.make(segments);
  for (const Segment& segment : segments) {
    for (int64_t r = 0; r < segment.nRows; ++r) {
      positions_[static_cast<size_t>(segment.row + r)] = segment.position + r;
    }
  }
  const std::vector<LayerWeights>& layers = weights_.layers();
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    runLayer(layers[layer], static_cast<int64_t>(layer), pass);
  }
}

void Transformer::runLayer(const LayerWeights& w, int64_t layer, const Pass& pass) {
  const Activations& a = pass.a;
  norm(a.xn, a.x, w.attnNorm);        // [nTok, dModel]
  matmul({product(a.q, a.xn, w.wq),   // [nTok, nHeads * headDim]
          product(a.k, a.xn, w.wk),   // [nTok, nKvHeads * headDim]
          product(a.v, a.xn, w.wv)},  // [nTok, nKvHeads * headDim]
         pass);
  rope(a.q, pass);
  rope(a.k, pass);
  store(layer, pass);                              // k and v at the rows' positions
  attention(layer, pass);                          // att: row t sees 0 .. pos + t
  matmul({addedProduct(a.x, a.att, w.wo)}, pass);  // x += att * wo^T
  norm(a.xn, a.x, w.ffnNorm);                      // [nTok, dModel]
  feedForward(w, pass);                            // x += ...
}

void Transformer::feedForward(const LayerWeights& w, const Pass& pass) {
  const Activations& a = pass.a;
  if (c_.gated) {
    matmul({product(a.gate, a.xn, w.wGate), product(a.up, a.xn, w.wUp)}, pass);
    multiplyByActivated(a.up, a.gate);  // [nTok, dFf]
  } else {
    matmul({product(a.up, a.xn, w.wUp, &activation_)}, pass);  // [nTok, dFf]
  }
  matmul({addedProduct(a.x, a.up, w.wDown)}, pass);
}

void Transformer::head(View2<float> logits) {
  const View2<float> x = headInput(logits.rows);
  norm(x, x, weights_.outputNorm());
  headRanges_.exact.front().count = logits.rows;
  multiply({product(logits, x, weights_.lmHead())}, headRanges_, products_, pool_, kernels_);
}

void Transformer::matmul(std::initializer_list<Product> products, const Pass& pass) {
  multiply(products, pass.ranges, products_, pool_, kernels_);
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

void Transformer::rope(View2<float> heads, const Pass& pass) {
  if (c_.rope == Rope::kNone) return;
  const int64_t half = c_.headDim / 2;
  parallelFor(pool_, heads.rows, heads.cols, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t angle = pass.positions[r] * half;
      for (int64_t i = 0; i < heads.cols; i += c_.headDim) {
        kernels_.rope(heads.row(r) + i, tables_.ropeCos() + angle, tables_.ropeSin() + angle,
                      c_.headDim, /*interleaved=*/c_.rope == Rope::kInterleaved);
      }
    }
  });
}

void Transformer::store(int64_t layer, const Pass& pass) {
  const View2<float> k = pass.a.k;
  const std::vector<Segment>& segments = pass.segments;
  const int64_t nHeads = c_.nKvHeads;
  const auto nSegments = static_cast<int64_t>(segments.size());
  // A row touches all cache lines of a group of K.
  const int64_t nRows = std::max(ceilDiv(k.rows, nSegments), kKvGroup);
  const int64_t cost = nRows * c_.headDim * 2;
  parallelFor(pool_, nSegments * nHeads, cost, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const Segment& segment = segments[static_cast<size_t>(i / nHeads)];
      const int64_t head = i % nHeads;
      const auto rows = [&](View2<const float> all) {
        const View2<const float> columns = all.columns(head * c_.headDim, c_.headDim);
        return View2<const float>{columns.row(segment.row), segment.nRows, c_.headDim, all.stride};
      };
      segment.kv->store(layer, head, segment.position, rows(k), rows(pass.a.v));
    }
  });
}

void Transformer::attention(int64_t layer, const Pass& pass) {
  const View2<const float> q = pass.a.q;
  const View2<float> out = pass.a.att;
  const KvKernels& kv = kernels_.kv[static_cast<int>(spec_.kvType)];
  pool_.run(attentionPlan_.nTasks(), [&](int64_t task, int thread) {
    attentionPlan_.eachPageRange(task, [&](const AttentionPlan::PageRange& pages) {
      const AttentionPlan::Band& band = *pages.band;
      const Segment& segment = *band.segment;
      const int64_t col = band.kvHead * c_.headsPerKvHead() * c_.headDim;
      AttentionArgs a{};
      a.q = q.row(segment.row + band.row) + col;
      a.k = segment.kv->k(layer, band.kvHead);
      a.v = segment.kv->v(layer, band.kvHead);
      a.out = out.row(segment.row + band.row) + col;
      a.scratch = attentionBuffer_.data() + thread * attentionStride_;
      a.partials = pages.whole() ? nullptr : band.partials;
      a.ldq = q.stride;
      a.ldo = out.stride;
      a.kvRowBytes = kvRowBytes(spec_.kvType, c_.headDim);
      a.nRows = band.nRows;
      a.nHeads = c_.headsPerKvHead();
      a.firstPosition = segment.position + band.row;
      a.headDim = c_.headDim;
      a.pageBegin = pages.begin;
      a.pageEnd = pages.end;
      a.scale = 1.0F / std::sqrt(static_cast<float>(c_.headDim));
      kv.attention(a);
      if (!pages.whole() && attentionPlan_.finish(pages)) kernels_.combinePartials(a);
    });
  });
}

// up = act(gate) * up
void Transformer::multiplyByActivated(View2<float> up, View2<const float> gate) {
  assert(gate.stride == gate.cols && up.stride == up.cols);  // the rows are one run of elements
  constexpr int64_t kCost =
      4 * kCacheLineFloats;  // a look-up may miss the cache, and a formula is long
  parallelFor(pool_, ceilDiv(up.rows * up.cols, kCacheLineFloats), kCost,
              [&](int64_t begin, int64_t end, int) {
                const int64_t first = begin * kCacheLineFloats;
                const int64_t last = std::min(end * kCacheLineFloats, up.rows * up.cols);
                kernels_.activate(up.data + first, gate.data + first, up.data + first, last - first,
                                  activation_.kind, activation_.table);
              });
}

}  // namespace tandem
