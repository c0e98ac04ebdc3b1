// The arithmetic of a stage: its layers, final norm and head, for the rows of one pass.
#ifndef TANDEM_MODEL_TRANSFORMER_H_
#define TANDEM_MODEL_TRANSFORMER_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "core/buffer.h"
#include "core/thread_pool.h"
#include "core/views.h"
#include "kernels/kernels.h"
#include "model/attention_plan.h"
#include "model/config.h"
#include "model/matmul.h"
#include "model/tables.h"
#include "model/weights.h"

namespace tandem {

class Transformer {
 public:
  // The tables are copied; the rest must outlive this.
  Transformer(const StageSpec& spec, const TableData& tables, const Weights& weights,
              ThreadPool& pool, const KernelTable& kernels);
  Transformer(const Transformer&) = delete;
  Transformer& operator=(const Transformer&) = delete;

  // Makes room for passes of nRows rows over caches of `capacity` positions, and for heads on
  // nHeadRows rows. The functions below do not allocate; without room they throw Error(kInternal).
  void reserve(int64_t nRows, int64_t capacity, int64_t nHeadRows);

  // The residual stream of a pass: filled by the caller, updated in place by layers().
  View2<float> hidden(int64_t nRows);  // [nRows, dModel]
  // Runs the stage's layers on hidden(nRows). The segments cover these rows, and so do the ranges.
  void layers(const std::vector<Segment>& segments, const RowRanges& ranges, int64_t nRows);

  // The head's input: filled by the caller, normed in place by head().
  View2<float> headInput(int64_t nRows);  // [nRows, dModel]
  // logits: [nRows, vocabSize]. Always row-exact.
  void head(View2<float> logits);

 private:
  // The activations of a pass.
  struct Activations {
    View2<float> x;     // [nTok, dModel]
    View2<float> xn;    // [nTok, dModel]
    View2<float> q;     // [nTok, nHeads * headDim]
    View2<float> k;     // [nTok, nKvHeads * headDim]
    View2<float> v;     // [nTok, nKvHeads * headDim]
    View2<float> att;   // [nTok, nHeads * headDim]
    View2<float> gate;  // [nTok, dFf], gated models only
    View2<float> up;    // [nTok, dFf]
  };
  struct Pass {
    Activations a;
    const std::vector<Segment>& segments;
    const RowRanges& ranges;
    const int64_t* positions;  // [nTok]
  };
  int64_t activationFloats(int64_t nRows) const;
  Activations activations(int64_t nRows) const;
  void checkRoom(const std::vector<Segment>& segments, int64_t nRows) const;
  int64_t attentionFloats(int64_t nRows) const;

  void runLayer(const LayerWeights& w, int64_t layer, const Pass& pass);
  void feedForward(const LayerWeights& w, const Pass& pass);
  void matmul(std::initializer_list<Product> products, const Pass& pass);
  void norm(View2<float> y, View2<const float> x, const NormWeights& w);
  void rope(View2<float> heads, const Pass& pass);
  void store(int64_t layer, const Pass& pass);
  void attention(int64_t layer, const Pass& pass);
  void multiplyByActivated(View2<float> up, View2<const float> gate);

  const StageSpec& spec_;
  const Config& c_;
  const Weights& weights_;
  ThreadPool& pool_;
  const KernelTable& kernels_;
  const Tables tables_;
  const Activation activation_;

  // Memory that passes reuse.
  ProductScratch products_;
  AttentionPlan attentionPlan_;
  FloatBuffer passBuffer_, headBuffer_, attentionBuffer_;
  int64_t attentionStride_ = 0;  // floats of attention scratch per thread
  std::vector<int64_t> positions_;
  RowRanges headRanges_{{{0, 0}}, {}};  // all rows, exact
};

}  // namespace tandem

#endif  // TANDEM_MODEL_TRANSFORMER_H_
