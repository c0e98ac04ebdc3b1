#include "reference/reference_transformer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "blas/openblas.h"
#include "core/sizes.h"
#include "kernels/scalar/half.h"

namespace tandem {
namespace {

// Logits that are not requested are computed this many rows at a time, to bound their memory.
constexpr int64_t kHeadRows = 64;

float activation(ActivationKind kind, float x) {
  constexpr float kSqrt2OverPi = 0.797884561F;
  constexpr float kSqrtHalf = 0.707106781F;
  switch (kind) {
    case ActivationKind::kGeluTanh:
      return 0.5F * x * (1.0F + std::tanh(kSqrt2OverPi * (x + 0.044715F * x * x * x)));
    case ActivationKind::kGeluErf:
      return 0.5F * x * (1.0F + std::erf(x * kSqrtHalf));
    default:
      return x / (1.0F + std::exp(-x));
  }
}

void copy(float* to, const float* from, int64_t n) {
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

}  // namespace

ReferenceTransformer::State::State(const ReferenceTransformer& model, int64_t capacity)
    : inputs_(checkedProduct({capacity, model.c_.dModel}, "inputs")), capacity_(capacity) {
  if (!model.switches_.kvCache) return;
  const int64_t n =
      checkedProduct({model.spec_.nLayers(), capacity, model.c_.kvSize()}, "KV cache");
  k_.reserve(n);
  v_.reserve(n);
}

ReferenceTransformer::ReferenceTransformer(const StageSpec& spec, const TableData& tables,
                                           const Weights& weights,
                                           const ReferenceSwitches& switches, ThreadPool& pool)
    : spec_(spec),
      c_(spec.config),
      weights_(weights),
      switches_(switches),
      pool_(pool),
      tables_(spec.config, tables) {}

int64_t ReferenceTransformer::stateBytes(int64_t positions) const {
  const int64_t kv = switches_.kvCache ? 2 * spec_.nLayers() * c_.kvSize() : 0;
  return checkedProduct({positions, c_.dModel + kv, int64_t{sizeof(float)}}, "state");
}

void ReferenceTransformer::copyPositions(const State& from, State& to,
                                         const PositionCopy& p) const {
  const int64_t d = c_.dModel;
  copy(to.inputs_.data() + p.to * d, from.inputs_.data() + p.from * d, p.n * d);
  if (!switches_.kvCache) return;
  const int64_t cols = c_.kvSize();
  for (int64_t layer = 0; layer < spec_.nLayers(); ++layer) {
    const int64_t toRow = layer * to.capacity_ + p.to;
    const int64_t fromRow = layer * from.capacity_ + p.from;
    copy(to.k_.data() + toRow * cols, from.k_.data() + fromRow * cols, p.n * cols);
    copy(to.v_.data() + toRow * cols, from.v_.data() + fromRow * cols, p.n * cols);
  }
}

void ReferenceTransformer::reserve(int64_t nPositions) {
  if (switches_.sgemm) blas::load();
  if (nPositions <= reserved_) return;
  const auto grow = [&](std::vector<float>& data, int64_t cols) {
    data.resize(static_cast<size_t>(checkedProduct({nPositions, cols}, "scratch")));
  };
  for (std::vector<float>* data : {&x_, &xn_, &y_}) grow(*data, c_.dModel);
  for (std::vector<float>* data : {&q_, &att_}) grow(*data, c_.qSize());
  for (std::vector<float>* data : {&k_, &v_}) grow(*data, c_.kvSize());
  for (std::vector<float>* data : {&up_, &act_}) grow(*data, c_.dFf);
  if (c_.gated) grow(gate_, c_.dFf);
  grow(scores_, c_.nHeads);
  if (spec_.hasHead) {
    logits_.resize(static_cast<size_t>(checkedProduct({kHeadRows, c_.vocabSize}, "logits")));
  }
  reserved_ = nPositions;
}

View2<float> ReferenceTransformer::matrix(std::vector<float>& data, int64_t cols) const {
  return {data.data(), reserved_, cols, cols};
}

// Calls body(i) for each i of the range.
template <class F>
void ReferenceTransformer::forEach(Range range, F&& body) {
  if (switches_.sgemm) {
    pool_.run(range.end - range.begin, [&](int64_t i, int) { body(range.begin + i); });
  } else {
    for (int64_t i = range.begin; i < range.end; ++i) body(i);
  }
}

void ReferenceTransformer::run(State& state, const Rows& rows) {
  const int64_t d = c_.dModel;
  new_ = {rows.position, rows.position + rows.nRows};
  all_ = {0, new_.end};
  copy(state.inputs_.data() + new_.begin * d, rows.in, rows.nRows * d);
  copy(x_.data(), state.inputs_.data(), all_.end * d);
  const std::vector<LayerWeights>& layers = weights_.layers();
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    runLayer(layers[layer], state, static_cast<int64_t>(layer));
  }
  if (spec_.hasHead) {
    head(rows);
  } else {
    copy(rows.out, x_.data() + (new_.begin + rows.outBegin) * d, rows.nOut * d);
  }
}

void ReferenceTransformer::runLayer(const LayerWeights& w, State& state, int64_t layer) {
  const View2<float> x = matrix(x_, c_.dModel);
  const View2<float> xn = matrix(xn_, c_.dModel);
  const View2<float> y = matrix(y_, c_.dModel);
  norm(xn, x, w.attnNorm, residualRows());                  // [nTok, dModel]
  linear(matrix(q_, c_.qSize()), xn, w.wq, linearRows());   // [nTok, nHeads * headDim]
  linear(matrix(k_, c_.kvSize()), xn, w.wk, linearRows());  // [nTok, nKvHeads * headDim]
  linear(matrix(v_, c_.kvSize()), xn, w.wv, linearRows());
  rope(matrix(q_, c_.qSize()));
  rope(matrix(k_, c_.kvSize()));
  if (switches_.kvCache) {
    keep(state, layer);
    const int64_t begin = layer * state.capacity_ * c_.kvSize();
    attention(state.k_.data() + begin, state.v_.data() + begin);
  } else {
    attention(k_.data(), v_.data());  // [nTok, nHeads * headDim]
  }
  linear(y, matrix(att_, c_.qSize()), w.wo, linearRows());
  add(x, y);
  norm(xn, x, w.ffnNorm, residualRows());
  feedForward(w);
  add(x, y);
}

// y = the contribution to x.
void ReferenceTransformer::feedForward(const LayerWeights& w) {
  const View2<float> xn = matrix(xn_, c_.dModel);
  const View2<float> up = matrix(up_, c_.dFf);
  if (c_.gated) linear(matrix(gate_, c_.dFf), xn, w.wGate, linearRows());
  linear(up, xn, w.wUp, linearRows());
  activate(matrix(act_, c_.dFf), c_.gated ? matrix(gate_, c_.dFf) : up);  // [nTok, dFf]
  linear(matrix(y_, c_.dModel), matrix(act_, c_.dFf), w.wDown, linearRows());
}

void ReferenceTransformer::head(const Rows& rows) {
  const View2<float> xn = matrix(xn_, c_.dModel);
  const Range wanted{new_.begin + rows.outBegin, new_.begin + rows.outBegin + rows.nOut};
  const Range computed = switches_.currentLinear ? wanted : all_;
  norm(xn, matrix(x_, c_.dModel), weights_.outputNorm(), computed);
  for (int64_t begin = computed.begin; begin < computed.end; begin += kHeadRows) {
    const Range part{begin, std::min(begin + kHeadRows, computed.end)};
    const View2<float> some{xn.row(begin), part.end - begin, xn.cols, xn.stride};
    const View2<float> logits{logits_.data(), some.rows, c_.vocabSize, c_.vocabSize};
    linear(logits, some, weights_.lmHead(), {0, some.rows});
    const int64_t from = std::max(wanted.begin, part.begin);
    const int64_t to = std::min(wanted.end, part.end);
    if (from < to) {
      copy(rows.out + (from - wanted.begin) * c_.vocabSize, logits.row(from - begin),
           (to - from) * c_.vocabSize);
    }
  }
}

void ReferenceTransformer::norm(View2<float> y, View2<const float> x, const NormWeights& w,
                                Range rows) {
  const auto n = static_cast<float>(x.cols);
  forEach(rows, [&](int64_t r) {
    float mean = 0.0F;
    if (c_.norm == Norm::kLayer) {
      for (int64_t i = 0; i < x.cols; ++i) mean += x.row(r)[i];
      mean /= n;
    }
    float variance = 0.0F;
    for (int64_t i = 0; i < x.cols; ++i) {
      const float difference = x.row(r)[i] - mean;
      variance += difference * difference;
    }
    const float scale = 1.0F / std::sqrt(variance / n + c_.normEps);
    for (int64_t i = 0; i < x.cols; ++i) {
      const float bias = w.bias == nullptr ? 0.0F : w.bias[i];
      y.row(r)[i] = (x.row(r)[i] - mean) * scale * w.gain[i] + bias;
    }
  });
}

// y[r, o] = sum_i x[r, i] * w[o, i] + bias[o]
void ReferenceTransformer::linear(View2<float> y, View2<const float> x, const Linear& w,
                                  Range rows) {
  const auto* weights = static_cast<const float*>(w.w);
  if (rows.begin == rows.end) return;
  if (!switches_.sgemm) {
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      for (int64_t o = 0; o < w.nOut; ++o) {
        float sum = w.bias == nullptr ? 0.0F : w.bias[o];
        for (int64_t i = 0; i < w.nIn; ++i) sum += x.row(r)[i] * weights[o * w.nIn + i];
        y.row(r)[o] = sum;
      }
    }
    return;
  }
  const int64_t share = ceilDiv(w.nOut, pool_.size());  // the outputs of a thread
  pool_.run(ceilDiv(w.nOut, share), [&](int64_t task, int) {
    const int64_t begin = task * share;
    const int64_t nOut = std::min(share, w.nOut - begin);
    const View2<float> part = y.columns(begin, nOut);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      if (w.bias != nullptr) copy(part.row(r), w.bias + begin, nOut);
    }
    blas::SgemmArgs a{};
    a.x = x.row(rows.begin);
    a.w = weights + begin * w.nIn;
    a.y = part.row(rows.begin);
    a.ldx = x.stride;
    a.ldw = w.nIn;
    a.ldy = y.stride;
    a.m = rows.end - rows.begin;
    a.n = nOut;
    a.k = w.nIn;
    a.beta = w.bias == nullptr ? 0.0F : 1.0F;
    blas::sgemm(a);
  });
}

void ReferenceTransformer::rope(View2<float> heads) {
  if (c_.rope == Rope::kNone) return;
  const int64_t half = c_.headDim / 2;
  const bool interleaved = c_.rope == Rope::kInterleaved;
  forEach(linearRows(), [&](int64_t pos) {
    const float* cos = tables_.ropeCos() + pos * half;
    const float* sin = tables_.ropeSin() + pos * half;
    for (int64_t head = 0; head < heads.cols; head += c_.headDim) {
      for (int64_t i = 0; i < half; ++i) {
        float& a = heads.row(pos)[head + (interleaved ? 2 * i : i)];
        float& b = heads.row(pos)[head + (interleaved ? 2 * i + 1 : i + half)];
        const float rotated = a * cos[i] - b * sin[i];
        b = a * sin[i] + b * cos[i];
        a = rotated;
      }
    }
  });
}

// Copies the new rows' keys and values to the cache.
void ReferenceTransformer::keep(State& state, int64_t layer) {
  const int64_t n = (new_.end - new_.begin) * c_.kvSize();
  const int64_t from = new_.begin * c_.kvSize();
  const int64_t to = layer * state.capacity_ * c_.kvSize() + from;
  copy(state.k_.data() + to, k_.data() + from, n);
  copy(state.v_.data() + to, v_.data() + from, n);
}

// k, v: (n, nKvHeads * headDim); row t sees 0 .. t
void ReferenceTransformer::attention(const float* k, const float* v) {
  const Range rows = attentionRows();
  forEach({0, c_.nHeads}, [&](int64_t head) {
    for (int64_t row = rows.begin; row < rows.end; ++row) attend(head, row, k, v);
  });
}

void ReferenceTransformer::attend(int64_t head, int64_t row, const float* k, const float* v) {
  const int64_t kvBegin = head / (c_.nHeads / c_.nKvHeads) * c_.headDim;
  const float* q = q_.data() + row * c_.qSize() + head * c_.headDim;
  float* out = att_.data() + row * c_.qSize() + head * c_.headDim;
  float* scores = scores_.data() + head * reserved_;
  const float scale = 1.0F / std::sqrt(static_cast<float>(c_.headDim));
  for (int64_t t = 0; t <= row; ++t) {
    float sum = 0.0F;
    for (int64_t i = 0; i < c_.headDim; ++i) sum += q[i] * k[t * c_.kvSize() + kvBegin + i];
    scores[t] = sum * scale;
  }
  const float max = *std::max_element(scores, scores + row + 1);
  float total = 0.0F;
  for (int64_t t = 0; t <= row; ++t) total += scores[t] = std::exp(scores[t] - max);
  std::fill(out, out + c_.headDim, 0.0F);
  for (int64_t t = 0; t <= row; ++t) {
    const float weight = scores[t] / total;
    for (int64_t i = 0; i < c_.headDim; ++i) out[i] += weight * v[t * c_.kvSize() + kvBegin + i];
  }
}

// y = act(x), times up if the feed-forward network is gated
void ReferenceTransformer::activate(View2<float> y, View2<const float> x) {
  const uint16_t* const table = tables_.activation();
  forEach(activationRows(), [&](int64_t r) {
    const float* in = x.row(r);
    float* out = y.row(r);
    for (int64_t i = 0; i < x.cols; ++i) {
      out[i] = table == nullptr ? activation(c_.activation, in[i])
                                : scalar::floatFromHalf(table[scalar::halfFromFloat(in[i])]);
    }
    if (!c_.gated) return;
    const float* up = up_.data() + r * x.cols;
    for (int64_t i = 0; i < x.cols; ++i) out[i] *= up[i];
  });
}

void ReferenceTransformer::add(View2<float> x, View2<const float> y) {
  forEach(residualRows(), [&](int64_t r) {
    for (int64_t i = 0; i < x.cols; ++i) x.row(r)[i] += y.row(r)[i];
  });
}

}  // namespace tandem
