// Engines, stages and sequences: what the handles of the C interface stand for.
#ifndef TANDEM_MODEL_STAGE_H_
#define TANDEM_MODEL_STAGE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/buffer.h"
#include "core/thread_pool.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/prepared_tensors.h"
#include "model/study.h"
#include "model/tensors.h"
#include "model/transformer.h"
#include "model/weights.h"

namespace tandem {

struct Engine {
  // nThreads: 0 for all cores.
  Engine(int32_t nThreads, const char* isa);

  const KernelTable& kernels;
  ThreadPool pool;
  // Held by whoever uses the pool, and by whoever opens or closes what belongs to the engine.
  std::mutex mutex;
  int64_t nStages = 0;                  // open; under the mutex
  PreparedTensors prepared;             // under the mutex
  FloatBuffer probeInput, probeOutput;  // under the mutex
};

struct Sequence;

class Stage {
 public:
  // The caller holds engine->mutex, here and for step(). With study, that computes the steps.
  Stage(std::shared_ptr<Engine> engine, const td_stage_options& options, const td_tensor* tensors,
        int64_t nTensors, std::optional<StudySwitches> study = std::nullopt);

  Engine& engine() const { return *engine_; }
  const StageSpec& spec() const { return spec_; }
  int64_t weightBytes() const { return weights_.bytes(); }
  // The td_dtypes that matrices are computed in, as bits.
  int32_t matrixTypes() const;
  // The td_prompt_kernels that chunks of prompts are computed with.
  int32_t promptKernels() const;
  // What a sequence of that many positions takes.
  int64_t kvBytes(int64_t positions) const;
  std::unique_ptr<Study::State> studyState(int64_t capacity) const;  // null without study
  int64_t outCols() const { return spec_.hasHead ? spec_.config.vocabSize : spec_.config.dModel; }

  // One part of a batch, with its sequence looked up. Rows are counted within the entry.
  struct Entry {
    Sequence* sequence;
    int64_t position, nRows, outBegin, nOut;
    bool prompt;
    int64_t inRow;   // its first row in the batch's input
    int64_t outRow;  // its first row in the batch's output
  };
  struct Buffers {
    const float* in;
    float* out;
    int64_t inFloats, outFloats;
  };
  // Entries are added one by one, then run together. Error before anything is changed.
  void beginStep();
  void addEntry(Sequence& sequence, const td_rows& rows);
  void runStep(const Buffers& buffers);

  int64_t nSequences = 0;  // open; under the engine's mutex

 private:
  // Consecutive rows of one entry.
  struct Run {
    const Entry* entry;
    int64_t row, nRows;
  };
  void checkBuffers(const Buffers& buffers) const;
  void prepare();
  int64_t chunkRowsFrom(const Entry& entry, int64_t row) const;
  void runEntry(const Entry& entry, const Buffers& buffers);
  void addRun(const Entry& entry, int64_t row, int64_t nRows);
  void runPass(const Buffers& buffers);
  void runStudy(const Buffers& buffers);
  bool rowExact(const Entry& entry) const { return spec_.reproducible || !entry.prompt; }

  std::shared_ptr<Engine> engine_;
  StageSpec spec_;
  Weights weights_;
  Transformer transformer_;
  std::unique_ptr<Study> study_;  // or null

  std::vector<Entry> entries_;
  int64_t inRows_ = 0, outRows_ = 0;  // of the batch
  int64_t stepNumber_ = 0;
  int64_t maxPassRows_ = 0;

  // The pass that is being gathered.
  std::vector<Run> runs_;
  std::vector<Segment> segments_;
  RowRanges ranges_;
  int64_t passRows_ = 0;
};

struct Sequence {
  Sequence(std::shared_ptr<Stage> stageOf, int64_t capacity);

  std::shared_ptr<Stage> stage;
  KvCache kv;
  std::unique_ptr<Study::State> study;  // or null
  std::atomic<int32_t> length{0};
  int64_t lastStep = 0;  // the number of the last step that named this sequence
};

}  // namespace tandem

#endif  // TANDEM_MODEL_STAGE_H_
