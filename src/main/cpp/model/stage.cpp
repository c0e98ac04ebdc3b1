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
// Rows of a row-exact pass. Any number gives the same bits; this one bounds the scratch memory.
constexpr int64_t kMaxPassRows = 256;
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

// The end of the chunk that `position` lies in.
int64_t chunkEnd(int64_t position, int64_t chunkRows) {
  return (position / chunkRows + 1) * chunkRows;
}

}  // namespace

Engine::Engine(int32_t nThreads, const char* isa)
    : kernels(tandem::kernels(isa)), pool(threadCount(nThreads)) {}

Stage::Stage(std::shared_ptr<Engine> engine, const td_stage_options& options,
             const td_tensor* tensors, int64_t nTensors)
    : engine_(std::move(engine)),
      spec_(checkedSpec(options)),
      weights_(spec_, Tensors(spec_, tensors, nTensors), engine_->pool, engine_->kernels,
               engine_->expanded),
      transformer_(spec_, options, weights_, engine_->pool, engine_->kernels) {}

Sequence::Sequence(std::shared_ptr<Stage> stageOf, int64_t capacity)
    : stage(std::move(stageOf)), kv(stage->spec(), capacity) {}

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
  prepare();
  // Nothing below fails, so a sequence never ends up with rows of a step that failed.
  runRowExact(buffers);
  for (const Entry& entry : entries_) {
    if (!rowExact(entry)) runPrompt(entry, buffers);
  }
  if (spec_.hasHead && outRows_ > 0) {
    transformer_.head({buffers.out, outRows_, outCols(), outCols()});
  }
  for (const Entry& entry : entries_) {
    entry.sequence->length = static_cast<int32_t>(entry.position + entry.nRows);
  }
}

// Everything that can fail: memory, and OpenBLAS.
void Stage::prepare() {
  int64_t nRowExact = 0, nChunk = 0, capacity = 0;
  for (const Entry& entry : entries_) {
    capacity = std::max(capacity, entry.sequence->kv.capacity());
    if (rowExact(entry)) {
      nRowExact += entry.nRows;
      continue;
    }
    const int64_t first = chunkEnd(entry.position, spec_.chunkRows) - entry.position;
    nChunk = std::max(nChunk, std::min(first, entry.nRows));
    nChunk = std::max(nChunk, std::min(spec_.chunkRows, entry.nRows - first));
  }
  if (nChunk >= kMinSgemmRows && spec_.nLayers() > 0) blas::load();
  transformer_.reserve(std::max(std::min(nRowExact, kMaxPassRows), nChunk), capacity,
                       spec_.hasHead ? outRows_ : 0);
  runs_.reserve(entries_.size());
  segments_.reserve(entries_.size());
}

void Stage::runRowExact(const Buffers& buffers) {
  for (const Entry& entry : entries_) {
    if (!rowExact(entry)) continue;
    for (int64_t row = 0; row < entry.nRows;) {
      const int64_t n = std::min(entry.nRows - row, kMaxPassRows - passRows_);
      addRun(entry, row, n);
      row += n;
      if (passRows_ == kMaxPassRows) runPass(Arithmetic::kRowExact, buffers);
    }
  }
  if (passRows_ > 0) runPass(Arithmetic::kRowExact, buffers);
}

void Stage::runPrompt(const Entry& entry, const Buffers& buffers) {
  for (int64_t row = 0; row < entry.nRows;) {
    const int64_t end = chunkEnd(entry.position + row, spec_.chunkRows) - entry.position;
    const int64_t n = std::min(end, entry.nRows) - row;
    addRun(entry, row, n);
    runPass(n >= kMinSgemmRows ? Arithmetic::kSgemm : Arithmetic::kRowExact, buffers);
    row += n;
  }
}

void Stage::addRun(const Entry& entry, int64_t row, int64_t nRows) {
  runs_.push_back({&entry, row, nRows});
  segments_.push_back({&entry.sequence->kv, entry.position + row, passRows_, nRows, 0});
  passRows_ += nRows;
}

void Stage::runPass(Arithmetic arithmetic, const Buffers& buffers) {
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
  transformer_.blocks(segments_, passRows_, arithmetic);
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
  passRows_ = 0;
}

}  // namespace tandem
