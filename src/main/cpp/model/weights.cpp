#include "model/weights.h"

#include "model/prepare.h"

namespace tandem {

struct Weights::Loader {
  const Tensors& tensors;
  const MatrixTypes types;
  Engine& engine;
  Weights& weights;

  const void* prepare(const Tensor& t, WeightType as) {
    weights.bytes_ += preparedBytes(t, as);
    weights.prepared_.push_back(engine.prepared.get(t, as, engine.pool, engine.kernels));
    return weights.prepared_.back().get();
  }

  // Null if the tensor is absent.
  const float* vector(Role role, int64_t layer) {
    const Tensor* t = tensors.find(role, layer);
    return t == nullptr ? nullptr : static_cast<const float*>(prepare(*t, WeightType::kF32));
  }

  Linear linear(const Tensor& t, const float* bias) {
    const WeightType type = types == MatrixTypes::kF32 ? WeightType::kF32 : weightTypeOf(t.dtype);
    if (t.layer != kHeadLayer) weights.layerTypes_[static_cast<size_t>(type)] = true;
    if (!usableInPlace(t, type)) return {type, prepare(t, type), bias, t.rows, t.cols};
    weights.bytes_ += preparedBytes(t, type);
    return {type, t.data, bias, t.rows, t.cols};
  }

  Linear linear(Role matrix, Role bias, int64_t layer) {
    return linear(*tensors.find(matrix, layer), vector(bias, layer));
  }

  Linear linear(Role matrix, int64_t layer) {
    return linear(*tensors.find(matrix, layer), nullptr);
  }

  NormWeights norm(Role gain, Role bias, int64_t layer) {
    return {vector(gain, layer), vector(bias, layer)};
  }

  void loadQkv(LayerWeights& loaded, const Config& c, int64_t layer) {
    const Tensor* all = tensors.find(Role::kWqkv, layer);
    if (all == nullptr) {
      loaded.wq = linear(Role::kWq, Role::kBq, layer);
      loaded.wk = linear(Role::kWk, Role::kBk, layer);
      loaded.wv = linear(Role::kWv, Role::kBv, layer);
      return;
    }
    const float* bias = vector(Role::kBqkv, layer);
    if (!all->transposed) {
      loaded.wq = outputs(*all, bias, 0, c.qSize());
      loaded.wk = outputs(*all, bias, c.qSize(), c.kvSize());
      loaded.wv = outputs(*all, bias, c.qSize() + c.kvSize(), c.kvSize());
    } else {
      const Linear whole = linear(*all, bias);
      loaded.wq = outputs(whole, 0, c.qSize());
      loaded.wk = outputs(whole, c.qSize(), c.kvSize());
      loaded.wv = outputs(whole, c.qSize() + c.kvSize(), c.kvSize());
    }
  }

  // Some of a tensor's rows as a separate tensor; panels begin at its first row.
  Linear outputs(const Tensor& all, const float* bias, int64_t begin, int64_t count) {
    Tensor part = all;
    const int64_t rowBytes = all.dataBytes / all.rows;
    part.data = static_cast<const unsigned char*>(all.data) + begin * rowBytes;
    part.rows = count;
    part.dataBytes = count * rowBytes;
    return linear(part, bias == nullptr ? nullptr : bias + begin);
  }

  // The same for a matrix that is stored transposed, and therefore not quantised.
  static Linear outputs(const Linear& all, int64_t begin, int64_t count) {
    const int64_t rowBytes = bytesPerOutput(all.type, all.nIn);
    const void* w = static_cast<const unsigned char*>(all.w) + begin * rowBytes;
    return {all.type, w, all.bias == nullptr ? nullptr : all.bias + begin, count, all.nIn};
  }

  LayerWeights load(const Config& c, int64_t layer) {
    LayerWeights loaded;
    loaded.attnNorm = norm(Role::kAttnNorm, Role::kAttnNormBias, layer);
    loadQkv(loaded, c, layer);
    loaded.wo = linear(Role::kWo, Role::kBo, layer);
    loaded.ffnNorm = norm(Role::kFfnNorm, Role::kFfnNormBias, layer);
    if (c.gated) loaded.wGate = linear(Role::kWGate, layer);
    loaded.wUp = linear(Role::kWUp, Role::kBUp, layer);
    loaded.wDown = linear(Role::kWDown, Role::kBDown, layer);
    return loaded;
  }
};

Weights::Weights(const StageSpec& spec, const Tensors& tensors, MatrixTypes types, Engine& engine) {
  Loader loader{tensors, types, engine, *this};
  const Config& c = spec.config;
  for (int64_t layer = spec.layerBegin; layer < spec.layerEnd; ++layer) {
    layers_.push_back(loader.load(c, layer));
  }
  if (!spec.hasHead) return;
  outputNorm_ = loader.norm(Role::kOutputNorm, Role::kOutputNormBias, kHeadLayer);
  lmHead_ = loader.linear(Role::kLmHead, kHeadLayer);
}

}  // namespace tandem
