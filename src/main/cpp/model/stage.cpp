#include "model/stage.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "blas/openblas.h"
#include "core/error.h"
#include "core/sizes.h"

namespace tandem {
namespace {

constexpr int32_t kMaxThreads = 128;  // each may need one of OpenBLAS's 128 buffers
// Rows of one pass through the blocks, unless a single chunk has more. Any number gives the same
// bits: more rows read the weights less often, and take more scratch memory.
constexpr int64_t kMaxPassRows = 512;
// Chunks with fewer rows do not repay sgemm's packing. Part of the profile: it decides bits.
constexpr int64_t kMinSgemmRows = 8;

int threadCount(int32_t nThreads) {
  if (nThreads < 0 || nThreads > kMaxThreads) {
    throw Error(TD_INVALID, "n_threads: expected 0 to " + std::to_string(kMaxThreads) + ", got " +
                                std::to_string(nThreads));
  }
  if (nThreads > 0) return nThreads;
  const unsigned cores = std::thread::hardware_concurrency();  // 0 when it is not known
  return std::clamp(static_cast<int>(cores), 1, kMaxThreads);
}

StageSpec specOf(const td_stage_options& options, bool f32Only) {
  StageSpec spec = checkedSpec(options);
  spec.f32Only = f32Only;
  return spec;
}

}  // namespace

Engine::Engine(int32_t nThreads, const char* isa)
    : kernels(tandem::kernels(isa)), pool(threadCount(nThreads)) {}

Stage::Stage(std::shared_ptr<Engine> engine, const td_stage_options& options,
             const td_tensor* tensors, int64_t nTensors, std::optional<StudySwitches> study)
    : engine_(std::move(engine)),
      spec_(specOf(options, study.has_value())),
      weights_(spec_, Tensors(spec_, tensors, nTensors), engine_->pool, engine_->kernels,
               engine_->prepared),
      transformer_(spec_, options, weights_, engine_->pool, engine_->kernels) {
  if (study.has_value()) {
    study_ = std::make_unique<Study>(spec_, options, weights_, *study, engine_->pool);
  }
}

Sequence::Sequence(std::shared_ptr<Stage> stageOf, int64_t capacity)
    : stage(std::move(stageOf)),
      kv(stage->spec(), stage->engine().kernels, capacity),
      study(stage->studyState(capacity)) {}

int64_t Stage::kvBytes(int64_t positions) const {
  return study_ == nullptr ? KvCache::bytes(spec_, positions) : study_->stateBytes(positions);
}

std::unique_ptr<Study::State> Stage::studyState(int64_t capacity) const {
  if (study_ == nullptr) return nullptr;
  return std::make_unique<Study::State>(*study_, capacity);
}

int32_t Stage::matrixTypes() const {
  int32_t types = 0;
  for (const WeightType type : kAllWeightTypes) {
    if (weights_.blocksHave(type)) types |= 1 << dtypeOf(type);
  }
  if (spec_.hasHead) types |= 1 << dtypeOf(weights_.lmHead().type);
  return types;
}

int32_t Stage::promptKernels() const {
  int32_t used = 0;
  if (study_ != nullptr) return study_->switches().sgemm ? TD_PROMPT_SGEMM : used;
  if (spec_.reproducible) return used;
  if (weights_.blocksHave(WeightType::kF32)) used |= TD_PROMPT_SGEMM;
  const bool bf16Products = engine_->kernels.bf16Dots.matmul != nullptr;
  if (bf16Products && weights_.blocksHave(WeightType::kBf16)) used |= TD_PROMPT_VDPBF16PS;
  return used;
}

void Stage::beginStep() {
  ++stepNumber_;
  entries_.clear();
  inRows_ = 0;
  outRows_ = 0;
}

void Stage::addEntry(Sequence& sequence, const td_rows& rows) {
  const auto fail = [&](td_status status, const std::string& problem) {
    throw Error(status, "entry " + std::to_string(entries_.size()) + ": " + problem);
  };
  if (sequence.stage.get() != this) fail(TD_INVALID, "the sequence belongs to another stage");
  if (sequence.lastStep == stepNumber_) fail(TD_INVALID, "the sequence appears twice");
  if (rows.kind != TD_ROWS_PROMPT && rows.kind != TD_ROWS_GENERATED) {
    fail(TD_INVALID, "unknown row kind " + std::to_string(rows.kind));
  }
  if (rows.n_rows < 1)
    fail(TD_INVALID, "n_rows: expected 1 or more, got " + std::to_string(rows.n_rows));
  const Entry entry{&sequence,      rows.position, rows.n_rows,
                    rows.out_begin, rows.n_out,    rows.kind == TD_ROWS_PROMPT,
                    inRows_,        outRows_};
  if (entry.outBegin < 0 || entry.nOut < 0 || entry.outBegin + entry.nOut > entry.nRows) {
    fail(TD_INVALID, "out_begin " + std::to_string(entry.outBegin) + " and n_out " +
                         std::to_string(entry.nOut) + " are not within its " +
                         std::to_string(entry.nRows) + " rows");
  }
  const int64_t length = sequence.length;
  if (entry.position < 0 || entry.position > length) {
    fail(TD_POSITION, "position " + std::to_string(entry.position) +
                          " is not within the sequence's length " + std::to_string(length));
  }
  if (entry.position + entry.nRows > sequence.kv.capacity()) {
    fail(TD_POSITION, std::to_string(entry.nRows) + " rows from position " +
                          std::to_string(entry.position) + " exceed the sequence's capacity of " +
                          std::to_string(sequence.kv.capacity()));
  }
  entries_.push_back(entry);
  sequence.lastStep = stepNumber_;
  inRows_ += entry.nRows;
  outRows_ += entry.nOut;
}

void Stage::checkBuffers(const Buffers& b) const {
  const auto check = [](const char* name, const float* data, int64_t floats, int64_t needed) {
    if (floats < needed) {
      throw Error(TD_INVALID, std::string(name) + "_floats: expected at least " +
                                  std::to_string(needed) + ", got " + std::to_string(floats));
    }
    if (needed > 0 && data == nullptr) throw Error(TD_INVALID, std::string(name) + " is NULL");
    if (reinterpret_cast<uintptr_t>(data) % alignof(float) != 0) {
      throw Error(TD_INVALID, std::string(name) + " is not aligned to 4 bytes");
    }
  };
  const int64_t nIn = checkedProduct({inRows_, spec_.config.dModel}, "in");
  const int64_t nOut = checkedProduct({outRows_, outCols()}, "out");
  check("in", b.in, b.inFloats, nIn);
  check("out", b.out, b.outFloats, nOut);
  const auto in = reinterpret_cast<uintptr_t>(b.in);
  const auto out = reinterpret_cast<uintptr_t>(b.out);
  const bool apart = in + static_cast<uintptr_t>(nIn) * sizeof(float) <= out ||
                     out + static_cast<uintptr_t>(nOut) * sizeof(float) <= in;
  if (nOut > 0 && !apart) throw Error(TD_INVALID, "in and out overlap");
}

void Stage::runStep(const Buffers& buffers) {
  checkBuffers(buffers);
  if (study_ != nullptr) return runStudy(buffers);
  prepare();
  // Nothing below fails, so a sequence never ends up with rows of a step that failed.
  for (const bool exact : {true, false}) {  // exact rows side by side read the weights together
    for (const Entry& entry : entries_) {
      if (rowExact(entry) == exact) runEntry(entry, buffers);
    }
  }
  if (passRows_ > 0) runPass(buffers);
  if (spec_.hasHead && outRows_ > 0) {
    transformer_.head({buffers.out, outRows_, outCols(), outCols()});
  }
  for (const Entry& entry : entries_) {
    entry.sequence->length = static_cast<int32_t>(entry.position + entry.nRows);
  }
}

void Stage::runStudy(const Buffers& buffers) {
  int64_t nPositions = 0;
  for (const Entry& e : entries_) nPositions = std::max(nPositions, e.position + e.nRows);
  study_->reserve(nPositions);  // nothing below fails
  for (const Entry& e : entries_) {
    study_->run(*e.sequence->study,
                {e.position, e.nRows, e.outBegin, e.nOut,
                 buffers.in + e.inRow * spec_.config.dModel, buffers.out + e.outRow * outCols()});
    e.sequence->length = static_cast<int32_t>(e.position + e.nRows);
  }
}

// Everything that can fail: memory, and OpenBLAS.
void Stage::prepare() {
  int64_t maxChunk = 0, capacity = 0;
  for (const Entry& entry : entries_) {
    capacity = std::max(capacity, entry.sequence->kv.capacity());
    if (rowExact(entry)) continue;
    const int64_t first = chunkRowsFrom(entry, 0);
    maxChunk = std::max(maxChunk, first);
    if (first < entry.nRows) maxChunk = std::max(maxChunk, chunkRowsFrom(entry, first));
  }
  if (maxChunk >= kMinSgemmRows && weights_.blocksHave(WeightType::kF32)) blas::load();
  maxPassRows_ = std::max(kMaxPassRows, maxChunk);
  const int64_t nRows = std::min(inRows_, maxPassRows_);
  transformer_.reserve(nRows, capacity, spec_.hasHead ? outRows_ : 0);
  const auto n = static_cast<size_t>(nRows);  // a run has a row or more
  runs_.reserve(n);
  segments_.reserve(n);
  ranges_.exact.reserve(n);
  ranges_.chunks.reserve(n);
}

// From that row to the end of its chunk, or of the entry.
int64_t Stage::chunkRowsFrom(const Entry& entry, int64_t row) const {
  const int64_t c = spec_.chunkRows;
  return std::min(c - (entry.position + row) % c, entry.nRows - row);
}

// Adds the entry's rows to the pass, which runs whenever it is full.
void Stage::runEntry(const Entry& entry, const Buffers& buffers) {
  for (int64_t row = 0; row < entry.nRows;) {
    if (passRows_ == maxPassRows_) runPass(buffers);
    const int64_t room = maxPassRows_ - passRows_;
    const int64_t n =
        rowExact(entry) ? std::min(entry.nRows - row, room) : chunkRowsFrom(entry, row);
    if (n > room) runPass(buffers);
    addRun(entry, row, n);
    row += n;
  }
}

void Stage::addRun(const Entry& entry, int64_t row, int64_t nRows) {
  runs_.push_back({&entry, row, nRows});
  segments_.push_back({&entry.sequence->kv, entry.position + row, passRows_, nRows});
  std::vector<RowRange>& exact = ranges_.exact;
  if (!rowExact(entry) && nRows >= kMinSgemmRows) {
    ranges_.chunks.push_back({passRows_, nRows});
  } else if (!exact.empty() && exact.back().begin + exact.back().count == passRows_) {
    exact.back().count += nRows;
  } else {
    exact.push_back({passRows_, nRows});
  }
  passRows_ += nRows;
}

void Stage::runPass(const Buffers& buffers) {
  const int64_t dModel = spec_.config.dModel;
  const auto copyRows = [&](float* to, const float* from, int64_t n) {
    std::memcpy(to, from, static_cast<size_t>(n * dModel) * sizeof(float));
  };
  const View2<float> x = transformer_.hidden(passRows_);
  int64_t passRow = 0;
  for (const Run& run : runs_) {
    copyRows(x.row(passRow), buffers.in + (run.entry->inRow + run.row) * dModel, run.nRows);
    passRow += run.nRows;
  }
  transformer_.blocks(segments_, ranges_, passRows_);
  float* const out = spec_.hasHead ? transformer_.headInput(outRows_).data : buffers.out;
  passRow = 0;
  for (const Run& run : runs_) {  // of its rows, those that are wanted
    const Entry& e = *run.entry;
    const int64_t begin = std::max(run.row, e.outBegin);
    const int64_t end = std::min(run.row + run.nRows, e.outBegin + e.nOut);
    if (begin < end) {
      copyRows(out + (e.outRow + begin - e.outBegin) * dModel, x.row(passRow + begin - run.row),
               end - begin);
    }
    passRow += run.nRows;
  }
  runs_.clear();
  segments_.clear();
  ranges_.exact.clear();
  ranges_.chunks.clear();
  passRows_ = 0;
}

}  // namespace tandem
