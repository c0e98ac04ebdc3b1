// A transformer that is written to be read, not to be fast. It is a reference for the engine's own,
// and shows what each saving of an inference engine is worth.
//
// Everything is f32, one equation after another. Nothing here is row-exact: results agree with the
// engine's own kernels within rounding, and are reproducible only for equal calls.
#ifndef TANDEM_REFERENCE_REFERENCE_TRANSFORMER_H_
#define TANDEM_REFERENCE_REFERENCE_TRANSFORMER_H_

#include <cstdint>
#include <vector>

#include "core/buffer.h"
#include "core/thread_pool.h"
#include "core/views.h"
#include "model/config.h"
#include "model/stage_impl.h"
#include "model/tables.h"
#include "model/weights.h"

namespace tandem {

// The savings. Without a KV cache every step needs all rows, so the last three are false. With a KV
// cache only the new rows are needed; an operation that is not restricted to them is computed for
// all rows, and the other results are discarded.
struct ReferenceSwitches {
  bool sgemm;              // products by OpenBLAS on all threads; otherwise loops on one thread
  bool kvCache;            // keys and values of earlier rows are kept
  bool currentLinear;      // linear layers compute only new rows, and only requested logits
  bool currentActivation;  // the activation computes only new rows
  bool currentResidual;    // norms and residual additions compute only new rows
};

class ReferenceTransformer {
 public:
  // The state of a sequence.
  class State final : public SequenceState {
   public:
    State(const ReferenceTransformer& model, int64_t capacity);

   private:
    friend class ReferenceTransformer;
    FloatBuffer inputs_;  // (capacity, dModel)
    FloatBuffer k_, v_;   // (nLayers, capacity, nKvHeads * headDim), with a KV cache
    int64_t capacity_;
  };

  // The weights are all f32. They, the pool and the spec must outlive this; tables are copied.
  ReferenceTransformer(const StageSpec& spec, const TableData& tables, const Weights& weights,
                       const ReferenceSwitches& switches, ThreadPool& pool);
  ReferenceTransformer(const ReferenceTransformer&) = delete;
  ReferenceTransformer& operator=(const ReferenceTransformer&) = delete;

  const ReferenceSwitches& switches() const { return switches_; }
  // The bytes of the state of a sequence with that many positions.
  int64_t stateBytes(int64_t positions) const;

  // Copies positions of one state into another.
  void copyPositions(const State& from, State& to, const PositionCopy& positions) const;

  // Makes room for sequences of that many positions. run() allocates nothing.
  void reserve(int64_t nPositions);

  // New rows of one sequence.
  struct Rows {
    int64_t position, nRows;
    int64_t outBegin, nOut;  // the output rows
    const float* in;         // (nRows, dModel)
    float* out;              // (nOut, dModel), or (nOut, vocabSize) with a head
  };
  void run(State& state, const Rows& rows);

 private:
  struct Range {
    int64_t begin, end;
  };
  Range linearRows() const { return switches_.currentLinear ? new_ : all_; }
  Range activationRows() const { return switches_.currentActivation ? new_ : all_; }
  Range residualRows() const { return switches_.currentResidual ? new_ : all_; }
  Range attentionRows() const { return switches_.kvCache ? new_ : all_; }

  void runLayer(const LayerWeights& w, State& state, int64_t layer);
  void feedForward(const LayerWeights& w);
  void head(const Rows& rows);
  void norm(View2<float> y, View2<const float> x, const NormWeights& w, Range rows);
  void linear(View2<float> y, View2<const float> x, const Linear& w, Range rows);
  void rope(View2<float> heads);
  void keep(State& state, int64_t layer);
  void attention(const float* k, const float* v);
  void attend(int64_t head, int64_t row, const float* k, const float* v);
  void activate(View2<float> y, View2<const float> x);
  void add(View2<float> x, View2<const float> y);
  template <class F>
  void forEach(Range range, F&& body);
  View2<float> matrix(std::vector<float>& data, int64_t cols) const;

  const StageSpec& spec_;
  const Config& c_;
  const Weights& weights_;
  const ReferenceSwitches switches_;
  ThreadPool& pool_;
  const Tables tables_;

  // For all rows of a sequence. Rows that a step does not compute keep their values.
  std::vector<float> x_, xn_, y_;       // (n, dModel)
  std::vector<float> q_, att_;          // (n, nHeads * headDim)
  std::vector<float> k_, v_;            // (n, nKvHeads * headDim)
  std::vector<float> gate_, up_, act_;  // (n, dFf)
  std::vector<float> scores_;           // (nHeads, n)
  std::vector<float> logits_;           // (kHeadRows, vocabSize)
  int64_t reserved_ = 0;                // n

  // The step that runs.
  Range all_{}, new_{};
};

}  // namespace tandem

#endif  // TANDEM_REFERENCE_REFERENCE_TRANSFORMER_H_
