// The interface between a stage and its implementation.
#ifndef TANDEM_MODEL_STAGE_IMPL_H_
#define TANDEM_MODEL_STAGE_IMPL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "model/tensor.h"

namespace tandem {

// The state of one sequence between steps, for example its KV cache.
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
  int64_t outBegin, nOut;   // the output rows, counted within the entry
  bool prompt;              // otherwise generated
  int64_t inRow;            // its first row in the step's input
  int64_t outRow;           // its first row in the step's output
};

// Checked; nothing in it overlaps.
struct Step {
  const std::vector<StepEntry>& entries;
  int64_t nRows, nOut;  // of all entries
  const float* in;      // (nRows, dModel)
  float* out;           // (nOut, vocabSize) for a stage with a head, otherwise (nOut, dModel)
};

// States are copied from and to multiples of this position.
inline constexpr int64_t kPositionGroup = 16;

// Consecutive positions of one sequence, and where they go in another.
struct PositionCopy {
  int64_t from, to, n;
};

// The properties that decide a sequence's bits in a stage.
struct Profile {
  std::vector<DType> matrixTypes;  // in which matrices are computed
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

  // Loads no library and computes nothing, and neither do the next two.
  virtual Profile profile() const = 0;
  // The bytes of the weights that one step reads.
  virtual int64_t weightBytes() const = 0;
  // The bytes of the state of a sequence with that many positions.
  virtual int64_t stateBytes(int64_t positions) const = 0;

  // For a sequence of up to `capacity` positions. This must outlive it.
  virtual std::unique_ptr<SequenceState> open(int64_t capacity) = 0;

  // Copies what the state keeps of consecutive positions. The states are from open(), are not the
  // same and have room; both first positions are multiples of kPositionGroup.
  virtual void copy(const SequenceState& from, SequenceState& to,
                    const PositionCopy& positions) = 0;

  // Does everything in a step that can fail: memory, libraries. Changes no sequence.
  virtual void prepare(const Step& step) = 0;
  // Runs the step that prepare() has prepared. If a task throws, this throws, too. The entries'
  // states are then undefined from their positions on; the next step is not affected.
  virtual void run(const Step& step) = 0;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_STAGE_IMPL_H_
