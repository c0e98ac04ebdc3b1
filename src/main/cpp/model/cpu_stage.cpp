#include "model/cpu_stage.h"

#include <algorithm>
#include <cstring>

#include "blas/openblas.h"
#include "core/sizes.h"

namespace tandem {
namespace {

// Rows of one pass through the layers, unless a single chunk has more. Any number gives the same
// bits. More rows read the weights less often, but need more scratch memory.
constexpr int64_t kMaxPassRows = 512;
// With fewer rows, sgemm's packing costs more than it saves. This number is part of the profile,
// because it decides bits.
constexpr int64_t kMinSgemmRows = 8;

struct CpuSequence final : SequenceState {
  CpuSequence(const StageSpec& spec, const KernelTable& kernels, int64_t capacity)
      : kv(spec, kernels, capacity) {}
  KvCache kv;
};

KvCache& kvOf(const StepEntry& entry) { return static_cast<CpuSequence*>(entry.state)->kv; }

}  // namespace

CpuStage::CpuStage(const StageSpec& spec, const TableData& tables,
                   const std::vector<Tensor>& tensors, Engine& engine)
    : spec_(spec),
      engine_(engine),
      weights_(spec_, Tensors(spec_, tensors), MatrixTypes::kAsStored, engine),
      transformer_(spec_, tables, weights_, engine.pool, engine.kernels) {}

Profile CpuStage::profile() const {
  Profile profile{};
  for (const WeightType type : kAllWeightTypes) {
    const bool inHead = spec_.hasHead && weights_.lmHead().type == type;
    if (inHead || weights_.layersHave(type)) profile.matrixTypes.push_back(dtypeOf(type));
  }
  if (spec_.reproducible) return profile;
  profile.sgemm = weights_.layersHave(WeightType::kF32);
  profile.vdpbf16ps =
      engine_.kernels.bf16Dots.matmul != nullptr && weights_.layersHave(WeightType::kBf16);
  return profile;
}

int64_t CpuStage::stateBytes(int64_t positions) const { return KvCache::bytes(spec_, positions); }

std::unique_ptr<SequenceState> CpuStage::open(int64_t capacity) {
  return std::make_unique<CpuSequence>(spec_, engine_.kernels, capacity);
}

void CpuStage::copy(const SequenceState& from, SequenceState& to, const PositionCopy& positions) {
  static_assert(kPositionGroup % kKvGroup == 0, "groups of K are copied whole");
  const KvCache& source = static_cast<const CpuSequence&>(from).kv;
  KvCache& target = static_cast<CpuSequence&>(to).kv;
  const int64_t nKvHeads = spec_.config.nKvHeads;
  engine_.pool.run(spec_.nLayers() * nKvHeads, [&](int64_t i, int) {
    target.copy(source, i / nKvHeads, i % nKvHeads, positions.from, positions.to, positions.n);
  });
}

void CpuStage::prepare(const Step& step) {
  int64_t maxChunk = 0, capacity = 0;
  for (const StepEntry& entry : step.entries) {
    capacity = std::max(capacity, kvOf(entry).capacity());
    if (rowExact(entry)) continue;
    const int64_t first = chunkRowsFrom(entry, 0);
    maxChunk = std::max(maxChunk, first);
    if (first < entry.nRows) maxChunk = std::max(maxChunk, chunkRowsFrom(entry, first));
  }
  if (maxChunk >= kMinSgemmRows && weights_.layersHave(WeightType::kF32)) blas::load();
  maxPassRows_ = std::max(kMaxPassRows, maxChunk);
  const int64_t nRows = std::min(step.nRows, maxPassRows_);
  transformer_.reserve(nRows, capacity, spec_.hasHead ? step.nOut : 0);
  pass_.reserve(nRows);
}

void CpuStage::run(const Step& step) {
  pass_.clear();
  for (const bool exact : {true, false}) {  // adjacent exact rows share the reading of the weights
    for (const StepEntry& entry : step.entries) {
      if (rowExact(entry) == exact) addRows(pass_, entry, step);
    }
  }
  if (pass_.nRows > 0) runPass(pass_, step);
  if (spec_.hasHead && step.nOut > 0) {
    const int64_t vocabSize = spec_.config.vocabSize;
    transformer_.head({step.out, step.nOut, vocabSize, vocabSize});
  }
}

void CpuStage::Pass::reserve(int64_t maxRows) {
  const auto n = static_cast<size_t>(maxRows);  // a run has a row or more
  runs.reserve(n);
  segments.reserve(n);
  ranges.exact.reserve(n);
  ranges.chunks.reserve(n);
}

void CpuStage::Pass::clear() {
  runs.clear();
  segments.clear();
  ranges.exact.clear();
  ranges.chunks.clear();
  nRows = 0;
}

// The rows from that row to the end of its chunk or of the entry.
int64_t CpuStage::chunkRowsFrom(const StepEntry& entry, int64_t row) const {
  const int64_t c = spec_.chunkRows;
  return std::min(c - (entry.position + row) % c, entry.nRows - row);
}

// Adds the entry's rows to the pass, which runs whenever it is full.
void CpuStage::addRows(Pass& pass, const StepEntry& entry, const Step& step) {
  for (int64_t row = 0; row < entry.nRows;) {
    if (pass.nRows == maxPassRows_) runPass(pass, step);
    const int64_t room = maxPassRows_ - pass.nRows;
    const int64_t n =
        rowExact(entry) ? std::min(entry.nRows - row, room) : chunkRowsFrom(entry, row);
    if (n > room) runPass(pass, step);
    addRun(pass, {&entry, row, n});
    row += n;
  }
}

void CpuStage::addRun(Pass& pass, const Run& run) const {
  const StepEntry& entry = *run.entry;
  pass.runs.push_back(run);
  pass.segments.push_back({&kvOf(entry), entry.position + run.row, pass.nRows, run.nRows});
  std::vector<RowRange>& exact = pass.ranges.exact;
  if (!rowExact(entry) && run.nRows >= kMinSgemmRows) {
    pass.ranges.chunks.push_back({pass.nRows, run.nRows});
  } else if (!exact.empty() && exact.back().begin + exact.back().count == pass.nRows) {
    exact.back().count += run.nRows;
  } else {
    exact.push_back({pass.nRows, run.nRows});
  }
  pass.nRows += run.nRows;
}

void CpuStage::runPass(Pass& pass, const Step& step) {
  const int64_t dModel = spec_.config.dModel;
  const auto copyRows = [&](float* to, const float* from, int64_t n) {
    std::memcpy(to, from, static_cast<size_t>(n * dModel) * sizeof(float));
  };
  const View2<float> x = transformer_.hidden(pass.nRows);
  int64_t passRow = 0;
  for (const Run& run : pass.runs) {
    copyRows(x.row(passRow), step.in + (run.entry->inRow + run.row) * dModel, run.nRows);
    passRow += run.nRows;
  }
  transformer_.layers(pass.segments, pass.ranges, pass.nRows);
  float* const out = spec_.hasHead ? transformer_.headInput(step.nOut).data : step.out;
  passRow = 0;
  for (const Run& run : pass.runs) {  // the output rows of the run
    const StepEntry& e = *run.entry;
    const int64_t begin = std::max(run.row, e.outBegin);
    const int64_t end = std::min(run.row + run.nRows, e.outBegin + e.nOut);
    if (begin < end) {
      copyRows(out + (e.outRow + begin - e.outBegin) * dModel, x.row(passRow + begin - run.row),
               end - begin);
    }
    passRow += run.nRows;
  }
  pass.clear();
}

}  // namespace tandem
