#include "reference/reference_stage.h"

#include <algorithm>

namespace tandem {

ReferenceStage::ReferenceStage(const StageSpec& spec, const TableData& tables,
                               const std::vector<Tensor>& tensors,
                               const ReferenceSwitches& switches, Engine& engine)
    : spec_(spec),
      weights_(spec_, Tensors(spec_, tensors), MatrixTypes::kF32, engine),
      model_(spec_, tables, weights_, switches, engine.pool) {}

Profile ReferenceStage::profile() const {
  Profile profile{};
  if (spec_.nLayers() > 0 || spec_.hasHead) profile.matrixTypes = {DType::kF32};
  profile.sgemm = model_.switches().sgemm;
  return profile;
}

std::unique_ptr<SequenceState> ReferenceStage::open(int64_t capacity) {
  return std::make_unique<ReferenceTransformer::State>(model_, capacity);
}

void ReferenceStage::copy(const SequenceState& from, SequenceState& to,
                          const PositionCopy& positions) {
  model_.copyPositions(static_cast<const ReferenceTransformer::State&>(from),
                       static_cast<ReferenceTransformer::State&>(to), positions);
}

void ReferenceStage::prepare(const Step& step) {
  int64_t nPositions = 0;
  for (const StepEntry& e : step.entries) nPositions = std::max(nPositions, e.position + e.nRows);
  model_.reserve(nPositions);
}

void ReferenceStage::run(const Step& step) {
  const int64_t dModel = spec_.config.dModel;
  const int64_t outCols = spec_.hasHead ? spec_.config.vocabSize : dModel;
  for (const StepEntry& e : step.entries) {
    auto& state = static_cast<ReferenceTransformer::State&>(*e.state);
    model_.run(state, {e.position, e.nRows, e.outBegin, e.nOut, step.in + e.inRow * dModel,
                       step.out + e.outRow * outCols});
  }
}

}  // namespace tandem
