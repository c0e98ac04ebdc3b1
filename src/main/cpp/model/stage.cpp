#include "model/stage.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/sizes.h"

namespace tandem {

Stage::Stage(std::shared_ptr<Engine> engine, const StageSpec& spec, std::unique_ptr<StageImpl> impl)
    : engine_(std::move(engine)), spec_(spec), impl_(std::move(impl)) {}

Sequence::Sequence(std::shared_ptr<Stage> stageOf, int64_t maxPositions)
    : stage(std::move(stageOf)), capacity(maxPositions), state(stage->impl().open(maxPositions)) {}

void Stage::beginStep() {
  ++stepNumber_;
  entries_.clear();
  sequences_.clear();
  inRows_ = 0;
  outRows_ = 0;
}

void Stage::addEntry(Sequence& sequence, const Rows& rows) {
  const auto fail = [&](ErrorKind kind, const std::string& problem) {
    throw Error(kind, "entry " + std::to_string(entries_.size()) + ": " + problem);
  };
  if (sequence.stage.get() != this) {
    fail(ErrorKind::kInvalid, "the sequence belongs to another stage");
  }
  if (sequence.lastStep == stepNumber_) fail(ErrorKind::kInvalid, "the sequence appears twice");
  if (rows.nRows < 1) {
    fail(ErrorKind::kInvalid, "n_rows: expected 1 or more, got " + std::to_string(rows.nRows));
  }
  if (rows.outBegin < 0 || rows.nOut < 0 || rows.outBegin + rows.nOut > rows.nRows) {
    fail(ErrorKind::kInvalid, "out_begin " + std::to_string(rows.outBegin) + " and n_out " +
                                  std::to_string(rows.nOut) + " are not within its " +
                                  std::to_string(rows.nRows) + " rows");
  }
  const int64_t length = sequence.length;
  if (rows.position < 0 || rows.position > length) {
    fail(ErrorKind::kPosition, "position " + std::to_string(rows.position) +
                                   " is not within the sequence's length " +
                                   std::to_string(length));
  }
  if (rows.position + rows.nRows > sequence.capacity) {
    fail(ErrorKind::kPosition,
         std::to_string(rows.nRows) + " rows from position " + std::to_string(rows.position) +
             " exceed the sequence's capacity of " + std::to_string(sequence.capacity));
  }
  entries_.push_back({sequence.state.get(), rows.position, rows.nRows, rows.outBegin, rows.nOut,
                      rows.prompt, inRows_, outRows_});
  sequences_.push_back(&sequence);
  sequence.lastStep = stepNumber_;
  inRows_ += rows.nRows;
  outRows_ += rows.nOut;
}

void Stage::checkBuffers(const Buffers& b) const {
  const auto check = [](const char* name, const float* data, int64_t floats, int64_t needed) {
    if (floats < needed) {
      throw Error(ErrorKind::kInvalid, std::string(name) + "_floats: expected at least " +
                                           std::to_string(needed) + ", got " +
                                           std::to_string(floats));
    }
    if (needed > 0 && data == nullptr) {
      throw Error(ErrorKind::kInvalid, std::string(name) + " is NULL");
    }
    if (reinterpret_cast<uintptr_t>(data) % alignof(float) != 0) {
      throw Error(ErrorKind::kInvalid, std::string(name) + " is not aligned to 4 bytes");
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
  if (nOut > 0 && !apart) throw Error(ErrorKind::kInvalid, "in and out overlap");
}

void Stage::runStep(const Buffers& buffers) {
  checkBuffers(buffers);
  const Step step{entries_, inRows_, outRows_, buffers.in, buffers.out};
  impl_->prepare(step);
  try {
    impl_->run(step);
  } catch (...) {
    // The step may have overwritten what is behind that position.
    for (size_t i = 0; i < entries_.size(); ++i) {
      sequences_[i]->length = static_cast<int32_t>(entries_[i].position);
    }
    throw;
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    sequences_[i]->length = static_cast<int32_t>(entries_[i].position + entries_[i].nRows);
  }
}

void Stage::copy(const Sequence& from, Sequence& to, const PositionCopy& p) {
  const auto fail = [](ErrorKind kind, const std::string& problem) { throw Error(kind, problem); };
  if (from.stage.get() != this || to.stage.get() != this) {
    fail(ErrorKind::kInvalid, "the sequences belong to different stages");
  }
  if (&from == &to) fail(ErrorKind::kInvalid, "a sequence cannot be copied into itself");
  if (p.n < 1) fail(ErrorKind::kInvalid, "n: expected 1 or more, got " + std::to_string(p.n));
  if (p.from < 0 || p.to < 0 || p.from % kPositionGroup != 0 || p.to % kPositionGroup != 0) {
    fail(ErrorKind::kInvalid, "the first positions " + std::to_string(p.from) + " and " +
                                  std::to_string(p.to) + " are not multiples of " +
                                  std::to_string(kPositionGroup));
  }
  const int64_t fromLength = from.length, toLength = to.length;
  if (p.from + p.n > fromLength) {
    fail(ErrorKind::kPosition, std::to_string(p.n) + " positions from " + std::to_string(p.from) +
                                   " exceed the sequence's length " + std::to_string(fromLength));
  }
  if (p.to > toLength) {
    fail(ErrorKind::kPosition, "position " + std::to_string(p.to) +
                                   " is not within the other sequence's length " +
                                   std::to_string(toLength));
  }
  if (p.to + p.n > to.capacity) {
    fail(ErrorKind::kPosition, std::to_string(p.n) + " positions from " + std::to_string(p.to) +
                                   " exceed the other sequence's capacity of " +
                                   std::to_string(to.capacity));
  }
  impl_->copy(*from.state, *to.state, p);
  to.length = static_cast<int32_t>(p.to + p.n);
}

}  // namespace tandem
