// The interface between a stage and what computes it.
#ifndef TANDEM_MODEL_STAGE_IMPL_H_
#define TANDEM_MODEL_STAGE_IMPL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "model/tensor.h"

namespace tandem {

// What an implementation keeps of one sequence between steps, its KV cache for example.
class SequenceState {
 public:
  SequenceState() = default;
  virtual ~SequenceState() = default;
  SequenceState(const SequenceState&) = delete;
  SequenceState& operator=(const SequenceState&) = delete;
};

// One sequence's rows in a step. The state is from the implementation that runs the step, and has
// room for the rows; a sequence appears once.
struct StepEntry {
  SequenceState* state;
  int64_t position, nRows;  // rows for positions position .. position + nRows - 1
  int64_t outBegin, nOut;   // of them those that are wanted back, counted within the entry
  bool prompt;              // else generated
  int64_t inRow;            // its first row in the step's input
  int64_t outRow;           // its first row in the step's output
};

// Checked; nothing in it overlaps.
struct Step {
  const std::vector<StepEntry>& entries;
  int64_t nRows, nOut;  // of all entries
  const float* in;      // (nRows, dModel)
  float* out;           // (nOut, vocabSize) of a stage with a head, else (nOut, dModel)
};

// What decides a sequence's bits in a stage.
struct Profile {
  std::vector<DType> matrixTypes;  // that matrices are computed in
  bool sgemm;                      // chunks of prompts, or all rows, go through OpenBLAS
  bool vdpbf16ps;                  // chunks of prompts use the processor's bf16 products
};

// One call at a time: the caller holds the engine's mutex.
class StageImpl {
 public:
  StageImpl() = default;
  virtual ~StageImpl() = default;
  StageImpl(const StageImpl&) = delete;
  StageImpl& operator=(const StageImpl&) = delete;

  // Loads no library and computes nothing, as the two below.
  virtual Profile profile() const = 0;
  // Bytes that one step reads of the weights.
  virtual int64_t weightBytes() const = 0;
  // Bytes that a sequence of that many positions keeps.
  virtual int64_t stateBytes(int64_t positions) const = 0;

  // For a sequence of up to `capacity` positions. This must outlive it.
  virtual std::unique_ptr<SequenceState> open(int64_t capacity) = 0;

  // Everything of a step that is known to fail: memory, libraries. Changes no sequence.
  virtual void prepare(const Step& step) = 0;
  // The step that has just been prepared. Where a task throws, so does this; what the entries'
  // states have from their positions on is then undefined, and the next step is not affected.
  virtual void run(const Step& step) = 0;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_STAGE_IMPL_H_
