#include "model/weights.h"

#include "model/prepare.h"

namespace tandem {
namespace {

constexpr int64_t kHeadLayer = -1;

}  // namespace

struct Weights::Loader {
  const Tensors& tensors;
  ThreadPool& pool;
  const KernelTable& kernels;
  PreparedTensors& prepared;
  Weights& weights;
  const bool f32Only;

  const void* prepare(const td_tensor& t, WeightType as) {
    weights.bytes_ += preparedBytes(t, as);
    weights.prepared_.push_back(prepared.get(t, as, pool, kernels));
    return weights.prepared_.back().get();
  }

  // Null where the tensor is absent.
  const float* vector(td_role role, int64_t layer) {
    const td_tensor* t = tensors.find(role, layer);
    return t == nullptr ? nullptr : static_cast<const float*>(prepare(*t, WeightType::kF32));
  }

  Linear linear(const td_tensor& t, const float* bias) {
    const WeightType type = f32Only ? WeightType::kF32 : weightTypeOf(t.dtype);
    if (t.layer != kHeadLayer) weights.blockTypes_[static_cast<size_t>(type)] = true;
    if (!usableInPlace(t, type)) return {type, prepare(t, type), bias, t.rows, t.cols};
    weights.bytes_ += preparedBytes(t, type);
    return {type, t.data, bias, t.rows, t.cols};
  }

  Linear linear(td_role matrix, td_role bias, int64_t layer) {
    return linear(*tensors.find(matrix, layer), vector(bias, layer));
  }

  Linear linear(td_role matrix, int64_t layer) {
    return linear(*tensors.find(matrix, layer), nullptr);
  }

  NormWeights norm(td_role gain, td_role bias, int64_t layer) {
    return {vector(gain, layer), vector(bias, layer)};
  }

  void loadQkv(BlockWeights& block, const Config& c, int64_t layer) {
    const td_tensor* all = tensors.find(TD_WQKV, layer);
    if (all == nullptr) {
      block.wq = linear(TD_WQ, TD_BQ, layer);
      block.wk = linear(TD_WK, TD_BK, layer);
      block.wv = linear(TD_WV, TD_BV, layer);
      return;
    }
    const float* bias = vector(TD_BQKV, layer);
    if (all->transposed == 0) {
      block.wq = outputs(*all, bias, 0, c.qSize());
      block.wk = outputs(*all, bias, c.qSize(), c.kvSize());
      block.wv = outputs(*all, bias, c.qSize() + c.kvSize(), c.kvSize());
    } else {
      const Linear whole = linear(*all, bias);
      block.wq = outputs(whole, 0, c.qSize());
      block.wk = outputs(whole, c.qSize(), c.kvSize());
      block.wv = outputs(whole, c.qSize() + c.kvSize(), c.kvSize());
    }
  }

  // Some of a tensor's rows, as a tensor of their own: panels begin with them.
  Linear outputs(const td_tensor& all, const float* bias, int64_t begin, int64_t count) {
    td_tensor part = all;
    const int64_t rowBytes = all.data_bytes / all.rows;
    part.data = static_cast<const unsigned char*>(all.data) + begin * rowBytes;
    part.rows = count;
    part.data_bytes = count * rowBytes;
    return linear(part, bias == nullptr ? nullptr : bias + begin);
  }

  // The same of a matrix that is stored transposed and therefore of no quantised type.
  static Linear outputs(const Linear& all, int64_t begin, int64_t count) {
    const int64_t rowBytes = bytesPerOutput(all.type, all.nIn);
    const void* w = static_cast<const unsigned char*>(all.w) + begin * rowBytes;
    return {all.type, w, all.bias == nullptr ? nullptr : all.bias + begin, count, all.nIn};
  }

  BlockWeights block(const Config& c, int64_t layer) {
    BlockWeights b;
    b.attnNorm = norm(TD_ATTN_NORM, TD_ATTN_NORM_BIAS, layer);
    loadQkv(b, c, layer);
    b.wo = linear(TD_WO, TD_BO, layer);
    b.ffnNorm = norm(TD_FFN_NORM, TD_FFN_NORM_BIAS, layer);
    if (c.gated) b.wGate = linear(TD_WGATE, layer);
    b.wUp = linear(TD_WUP, TD_BUP, layer);
    b.wDown = linear(TD_WDOWN, TD_BDOWN, layer);
    return b;
  }
};

Weights::Weights(const StageSpec& spec, const Tensors& tensors, ThreadPool& pool,
                 const KernelTable& kernels, PreparedTensors& prepared) {
  Loader loader{tensors, pool, kernels, prepared, *this, spec.f32Only};
  const Config& c = spec.config;
  for (int64_t layer = spec.layerBegin; layer < spec.layerEnd; ++layer) {
    blocks_.push_back(loader.block(c, layer));
  }
  if (!spec.hasHead) return;
  outputNorm_ = loader.norm(TD_OUTPUT_NORM, TD_OUTPUT_NORM_BIAS, kHeadLayer);
  lmHead_ = loader.linear(TD_LM_HEAD, kHeadLayer);
}

}  // namespace tandem
