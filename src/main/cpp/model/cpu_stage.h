// The engine's own stage: the transformer with its kernels, on the processor.
#ifndef TANDEM_MODEL_CPU_STAGE_H_
#define TANDEM_MODEL_CPU_STAGE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "model/config.h"
#include "model/engine.h"
#include "model/kv_cache.h"
#include "model/matmul.h"
#include "model/stage_impl.h"
#include "model/tables.h"
#include "model/transformer.h"
#include "model/weights.h"

namespace tandem {

// Runs the rows of a step in passes through the layers, then the output rows through the head.
class CpuStage final : public StageImpl {
 public:
  // The tables are copied. The engine, and the tensors' data, must outlive this; the caller holds
  // engine.mutex.
  CpuStage(const StageSpec& spec, const TableData& tables, const std::vector<Tensor>& tensors,
           Engine& engine);

  Profile profile() const override;
  int64_t weightBytes() const override { return weights_.bytes(); }
  int64_t stateBytes(int64_t positions) const override;
  std::unique_ptr<SequenceState> open(int64_t capacity) override;
  void copy(const SequenceState& from, SequenceState& to, const PositionCopy& positions) override;
  void prepare(const Step& step) override;
  void run(const Step& step) override;

 private:
  // Consecutive rows of one entry.
  struct Run {
    const StepEntry* entry;
    int64_t row, nRows;
  };
  // Rows that run through the layers together.
  struct Pass {
    std::vector<Run> runs;
    std::vector<Segment> segments;  // of the runs
    RowRanges ranges;
    int64_t nRows = 0;

    void reserve(int64_t nRows);
    void clear();
  };
  bool rowExact(const StepEntry& entry) const { return spec_.reproducible || !entry.prompt; }
  int64_t chunkRowsFrom(const StepEntry& entry, int64_t row) const;
  void addRows(Pass& pass, const StepEntry& entry, const Step& step);
  void addRun(Pass& pass, const Run& run) const;
  void runPass(Pass& pass, const Step& step);

  const StageSpec spec_;
  Engine& engine_;
  const Weights weights_;
  Transformer transformer_;
  int64_t maxPassRows_ = 0;
  Pass pass_;  // its memory is reused
};

}  // namespace tandem

#endif  // TANDEM_MODEL_CPU_STAGE_H_
