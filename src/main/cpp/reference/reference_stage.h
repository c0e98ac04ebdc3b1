// The reference transformer as a stage.
#ifndef TANDEM_REFERENCE_REFERENCE_STAGE_H_
#define TANDEM_REFERENCE_REFERENCE_STAGE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "model/engine.h"
#include "model/stage_impl.h"
#include "reference/reference_transformer.h"

namespace tandem {

class ReferenceStage final : public StageImpl {
 public:
  // The tables are copied. The engine, and the tensors' data, must outlive this; the caller holds
  // engine.mutex. The stage does not use the spec's mode, KV cache type and chunk size.
  ReferenceStage(const StageSpec& spec, const TableData& tables, const std::vector<Tensor>& tensors,
                 const ReferenceSwitches& switches, Engine& engine);

  Profile profile() const override;
  int64_t weightBytes() const override { return weights_.bytes(); }
  int64_t stateBytes(int64_t positions) const override { return model_.stateBytes(positions); }
  std::unique_ptr<SequenceState> open(int64_t capacity) override;
  void copy(const SequenceState& from, SequenceState& to, const PositionCopy& positions) override;
  void prepare(const Step& step) override;
  void run(const Step& step) override;

 private:
  const StageSpec spec_;
  const Weights weights_;
  ReferenceTransformer model_;
};

}  // namespace tandem

#endif  // TANDEM_REFERENCE_REFERENCE_STAGE_H_
