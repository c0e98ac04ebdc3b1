// Stages and sequences, the objects behind the handles of the C interface. A stage checks steps;
// its implementation computes them.
#ifndef TANDEM_MODEL_STAGE_H_
#define TANDEM_MODEL_STAGE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/config.h"
#include "model/engine.h"
#include "model/stage_impl.h"

namespace tandem {

struct Sequence;

class Stage {
 public:
  // The caller holds engine->mutex, here and for steps. Everything that impl was made from must
  // outlive this.
  Stage(std::shared_ptr<Engine> engine, const StageSpec& spec, std::unique_ptr<StageImpl> impl);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Engine& engine() const { return *engine_; }
  const StageSpec& spec() const { return spec_; }
  StageImpl& impl() const { return *impl_; }
  int64_t outCols() const { return spec_.hasHead ? spec_.config.vocabSize : spec_.config.dModel; }

  // One sequence's part of a batch.
  struct Rows {
    int64_t position, nRows, outBegin, nOut;
    bool prompt;
  };
  struct Buffers {
    const float* in;
    float* out;
    int64_t inFloats, outFloats;
  };
  // Entries are added one by one, then run together. An Error from any of these changes nothing,
  // unless a task of the step fails: the entries' sequences then end at the entries' positions.
  void beginStep();
  void addEntry(Sequence& sequence, const Rows& rows);
  void runStep(const Buffers& buffers);

  // Copies positions of one sequence into another, which then ends behind them. An Error changes
  // nothing.
  void copy(const Sequence& from, Sequence& to, const PositionCopy& positions);

  int64_t nSequences = 0;  // open; under the engine's mutex

 private:
  void checkBuffers(const Buffers& buffers) const;

  std::shared_ptr<Engine> engine_;
  StageSpec spec_;
  std::unique_ptr<StageImpl> impl_;

  // The batch that is being built.
  std::vector<StepEntry> entries_;
  std::vector<Sequence*> sequences_;  // of the entries
  int64_t inRows_ = 0, outRows_ = 0;
  int64_t stepNumber_ = 0;
};

struct Sequence {
  Sequence(std::shared_ptr<Stage> stageOf, int64_t maxPositions);

  const std::shared_ptr<Stage> stage;
  const int64_t capacity;
  const std::unique_ptr<SequenceState> state;
  std::atomic<int32_t> length{0};
  int64_t lastStep = 0;  // the number of the last step that named this sequence
};

}  // namespace tandem

#endif  // TANDEM_MODEL_STAGE_H_
