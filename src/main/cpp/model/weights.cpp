#include "model/weights.h"

#include "model/expand.h"

namespace tandem {

struct Weights::Loader {
  const Tensors& tensors;
  ThreadPool& pool;
  const KernelTable& kernels;
  ExpandedTensors& expanded;
  Weights& weights;

  // Null where the tensor is absent.
  const float* load(td_role role, int64_t layer) {
    const td_tensor* t = tensors.find(role, layer);
    if (t == nullptr) return nullptr;
    weights.bytes_ += t->rows * t->cols * int64_t{sizeof(float)};
    const bool isMatrix = t->rows > 1;
    if (isMatrix && usableInPlace(*t)) return static_cast<const float*>(t->data);
    weights.expanded_.push_back(expanded.get(*t, pool, kernels));
    return weights.expanded_.back()->data();
  }

  Linear linear(td_role matrix, td_role bias, int64_t layer, int64_t nOut, int64_t nIn) {
    return {load(matrix, layer), load(bias, layer), nOut, nIn};
  }

  Linear linear(td_role matrix, int64_t layer, int64_t nOut, int64_t nIn) {
    return {load(matrix, layer), nullptr, nOut, nIn};
  }

  NormWeights norm(td_role gain, td_role bias, int64_t layer) {
    return {load(gain, layer), load(bias, layer)};
  }

  void loadQkv(BlockWeights& block, const Config& c, int64_t layer) {
    if (tensors.find(TD_WQKV, layer) == nullptr) {
      block.wq = linear(TD_WQ, TD_BQ, layer, c.qSize(), c.dModel);
      block.wk = linear(TD_WK, TD_BK, layer, c.kvSize(), c.dModel);
      block.wv = linear(TD_WV, TD_BV, layer, c.kvSize(), c.dModel);
      return;
    }
    const Linear all = linear(TD_WQKV, TD_BQKV, layer, c.qSize() + 2 * c.kvSize(), c.dModel);
    block.wq = outputs(all, 0, c.qSize());
    block.wk = outputs(all, c.qSize(), c.kvSize());
    block.wv = outputs(all, c.qSize() + c.kvSize(), c.kvSize());
  }

  static Linear outputs(const Linear& all, int64_t begin, int64_t count) {
    const float* bias = all.bias == nullptr ? nullptr : all.bias + begin;
    return {all.w + begin * all.nIn, bias, count, all.nIn};
  }

  BlockWeights block(const Config& c, int64_t layer) {
    BlockWeights b;
    b.attnNorm = norm(TD_ATTN_NORM, TD_ATTN_NORM_BIAS, layer);
    loadQkv(b, c, layer);
    b.wo = linear(TD_WO, TD_BO, layer, c.dModel, c.qSize());
    b.ffnNorm = norm(TD_FFN_NORM, TD_FFN_NORM_BIAS, layer);
    if (c.gated) b.wGate = linear(TD_WGATE, layer, c.dFf, c.dModel);
    b.wUp = linear(TD_WUP, TD_BUP, layer, c.dFf, c.dModel);
    b.wDown = linear(TD_WDOWN, TD_BDOWN, layer, c.dModel, c.dFf);
    return b;
  }
};

Weights::Weights(const StageSpec& spec, const Tensors& tensors, ThreadPool& pool,
                 const KernelTable& kernels, ExpandedTensors& expanded) {
  Loader loader{tensors, pool, kernels, expanded, *this};
  const Config& c = spec.config;
  for (int64_t layer = spec.layerBegin; layer < spec.layerEnd; ++layer) {
    blocks_.push_back(loader.block(c, layer));
  }
  if (!spec.hasHead) return;
  constexpr int64_t kHeadLayer = -1;
  outputNorm_ = loader.norm(TD_OUTPUT_NORM, TD_OUTPUT_NORM_BIAS, kHeadLayer);
  lmHead_ = loader.linear(TD_LM_HEAD, kHeadLayer, c.vocabSize, c.dModel);
}

}  // namespace tandem
