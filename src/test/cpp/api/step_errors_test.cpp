// Every wrong argument of a step gives a status and a message that says what is wrong, and
// changes nothing.
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "api/expect_error.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 31;

class StepErrorsTest : public testing::Test {
 protected:
  StepErrorsTest() {
    td_stage_options o = model_.options(0, 3, true);
    o.mode = TD_MODE_REPRODUCIBLE;
    stage_ = openStage(engine_, o, model_.tensors);
    a_ = openSequence(stage_, 20);
    b_ = openSequence(stage_, 20);
    Random random(kSeed);
    in_ = randomHidden(random, model_, 32);
    step(stage_, {rowsOf(a_, 0, 8, TD_ROWS_PROMPT)}, slice(in_, 32, 0, 8), 67);
  }

  void expectRefused(std::vector<td_rows> rows, td_status status, const std::string& text) {
    expectError(
        td_step(stage_.get(), rows.data(), static_cast<int32_t>(rows.size()), in_.data(),
                static_cast<int64_t>(in_.size()), out_.data(), static_cast<int64_t>(out_.size())),
        status, text);
    EXPECT_EQ(td_sequence_length(a_.get()), 8);
    EXPECT_EQ(td_sequence_length(b_.get()), 0);
  }
  td_rows good() { return rowsOf(a_, 8, 2, TD_ROWS_GENERATED); }

  TestModel model_ = gpt2Model(kSeed);
  EnginePtr engine_ = openEngine(1);
  StagePtr stage_;
  SequencePtr a_, b_;
  std::vector<float> in_;
  std::vector<float> out_ = std::vector<float>(20 * 67);
};

TEST_F(StepErrorsTest, BadEntries) {
  const int32_t max = std::numeric_limits<int32_t>::max();
  const auto with = [&](auto edit) {
    td_rows r = good();
    edit(r);
    return std::vector<td_rows>{rowsOf(b_, 0, 1, TD_ROWS_PROMPT), r};
  };
  expectRefused(with([](td_rows& r) { r.sequence = nullptr; }), TD_INVALID, "sequence is NULL");
  expectRefused(with([&](td_rows& r) { r.sequence = b_.get(), r.position = 0; }), TD_INVALID,
                "entry 1: the sequence appears twice");
  expectRefused(with([](td_rows& r) { r.kind = 2; }), TD_INVALID, "row kind");
  expectRefused(with([](td_rows& r) { r.n_rows = 0; }), TD_INVALID, "n_rows");
  expectRefused(with([](td_rows& r) { r.n_rows = -3; }), TD_INVALID, "n_rows");
  expectRefused(with([](td_rows& r) { r.position = 9; }), TD_POSITION, "length 8");
  expectRefused(with([](td_rows& r) { r.position = -1; }), TD_POSITION, "length 8");
  expectRefused(with([](td_rows& r) { r.n_rows = 13; }), TD_POSITION, "capacity of 20");
  expectRefused(with([&](td_rows& r) { r.n_rows = max; }), TD_POSITION, "capacity of 20");
  expectRefused(with([](td_rows& r) { r.out_begin = -1; }), TD_INVALID, "out_begin");
  expectRefused(with([](td_rows& r) { r.out_begin = 1; }), TD_INVALID, "out_begin");
  expectRefused(with([](td_rows& r) { r.n_out = 3; }), TD_INVALID, "out_begin");
  expectRefused(with([&](td_rows& r) { r.out_begin = max, r.n_out = max; }), TD_INVALID, "n_out");
  expectRefused(with([](td_rows& r) { r.n_out = -1; }), TD_INVALID, "out_begin");
  expectRefused({}, TD_INVALID, "rows");
}

TEST_F(StepErrorsTest, SequencesOfOtherStages) {
  td_stage_options o = model_.options(0, 3, true);
  const StagePtr other = openStage(engine_, o, model_.tensors);
  const SequencePtr foreign = openSequence(other, 20);
  expectRefused({good(), rowsOf(foreign, 0, 1, TD_ROWS_PROMPT)}, TD_INVALID,
                "entry 1: the sequence belongs to another stage");
  td_sequence* closed = nullptr;
  TANDEM_OK(td_sequence_open(stage_.get(), 4, &closed));
  TANDEM_OK(td_sequence_close(closed));
  expectRefused({{closed, 0, 1, TD_ROWS_PROMPT, 0, 1}}, TD_INVALID, "sequence is not open");
}

TEST_F(StepErrorsTest, BadBuffers) {
  const td_rows rows = good();
  const auto call = [&](const float* in, int64_t nIn, float* out, int64_t nOut) {
    return td_step(stage_.get(), &rows, 1, in, nIn, out, nOut);
  };
  const int64_t nIn = 2 * 32, nOut = 2 * 67;
  expectError(call(in_.data(), nIn - 1, out_.data(), nOut), TD_INVALID,
              "in_floats: expected at least 64, got 63");
  expectError(call(in_.data(), nIn, out_.data(), nOut - 1), TD_INVALID,
              "out_floats: expected at least 134, got 133");
  expectError(call(in_.data(), -1, out_.data(), nOut), TD_INVALID, "in_floats");
  expectError(call(nullptr, nIn, out_.data(), nOut), TD_INVALID, "in is NULL");
  expectError(call(in_.data(), nIn, nullptr, nOut), TD_INVALID, "out is NULL");
  expectError(call(out_.data() + nOut - 1, nIn, out_.data(), nOut), TD_INVALID, "overlap");
  const auto* odd = reinterpret_cast<const float*>(reinterpret_cast<const char*>(in_.data()) + 2);
  expectError(call(odd, nIn, out_.data(), nOut), TD_INVALID, "aligned");
  expectError(td_step(nullptr, &rows, 1, in_.data(), nIn, out_.data(), nOut), TD_INVALID, "stage");
  expectError(td_step(stage_.get(), nullptr, 1, in_.data(), nIn, out_.data(), nOut), TD_INVALID,
              "rows");
  EXPECT_EQ(td_sequence_length(a_.get()), 8);
  EXPECT_EQ(call(in_.data(), nIn, out_.data(), nOut), TD_OK);
  EXPECT_EQ(td_sequence_length(a_.get()), 10);
}

// What a refused step must leave alone: the rows that were there give the same answer afterwards.
TEST_F(StepErrorsTest, ARefusedStepChangesNothing) {
  const SequencePtr twin = openSequence(stage_, 20);
  step(stage_, {rowsOf(twin, 0, 8, TD_ROWS_PROMPT)}, slice(in_, 32, 0, 8), 67);
  td_rows bad = rowsOf(b_, 1, 1, TD_ROWS_GENERATED);
  expectRefused({rowsOf(a_, 2, 6, TD_ROWS_GENERATED), bad}, TD_POSITION, "entry 1");
  EXPECT_TRUE(
      sameBits(step(stage_, {good()}, slice(in_, 32, 20, 2), 67),
               step(stage_, {rowsOf(twin, 8, 2, TD_ROWS_GENERATED)}, slice(in_, 32, 20, 2), 67)));
}

TEST_F(StepErrorsTest, BadCopies) {
  const auto expectNoCopy = [&](td_status copied, td_status status, const std::string& text) {
    expectError(copied, status, text);
    EXPECT_EQ(td_sequence_length(a_.get()), 8);
    EXPECT_EQ(td_sequence_length(b_.get()), 0);
  };
  const auto copy = [&](int32_t from, int32_t to, int32_t n) {
    return td_sequence_copy(a_.get(), from, b_.get(), to, n);
  };
  const int32_t max = std::numeric_limits<int32_t>::max();
  expectNoCopy(copy(0, 0, 9), TD_POSITION, "9 positions from 0 exceed the sequence's length 8");
  expectNoCopy(copy(0, 0, max), TD_POSITION, "length 8");
  expectNoCopy(copy(max - 15, 0, max), TD_POSITION, "length 8");
  expectNoCopy(copy(0, 0, 0), TD_INVALID, "n: expected 1 or more, got 0");
  expectNoCopy(copy(0, 0, -8), TD_INVALID, "n: expected");
  expectNoCopy(copy(8, 0, 1), TD_INVALID, "multiples of 16");
  expectNoCopy(copy(0, 8, 1), TD_INVALID, "multiples of 16");
  expectNoCopy(copy(-16, 0, 1), TD_INVALID, "-16");
  expectNoCopy(copy(0, -16, 1), TD_INVALID, "-16");
  expectNoCopy(copy(0, 16, 8), TD_POSITION, "16 is not within the other sequence's length 0");
  expectNoCopy(td_sequence_copy(a_.get(), 0, a_.get(), 0, 8), TD_INVALID, "into itself");
  expectNoCopy(td_sequence_copy(nullptr, 0, b_.get(), 0, 8), TD_INVALID, "sequence is NULL");
  expectNoCopy(td_sequence_copy(a_.get(), 0, nullptr, 0, 8), TD_INVALID, "sequence is NULL");
  const SequencePtr small = openSequence(stage_, 7);
  expectNoCopy(td_sequence_copy(a_.get(), 0, small.get(), 0, 8), TD_POSITION,
               "8 positions from 0 exceed the other sequence's capacity of 7");
  const StagePtr other = openStage(engine_, model_.options(0, 3, true), model_.tensors);
  const SequencePtr foreign = openSequence(other, 20);
  expectNoCopy(td_sequence_copy(a_.get(), 0, foreign.get(), 0, 8), TD_INVALID, "different stages");
  EXPECT_EQ(copy(0, 0, 8), TD_OK) << td_last_error();
  EXPECT_EQ(td_sequence_length(b_.get()), 8);
}

TEST_F(StepErrorsTest, NothingWantedNeedsNoOutput) {
  td_rows rows = good();
  rows.n_out = 0;
  EXPECT_EQ(td_step(stage_.get(), &rows, 1, in_.data(), 64, nullptr, 0), TD_OK) << td_last_error();
  EXPECT_EQ(td_sequence_length(a_.get()), 10);
}

}  // namespace
}  // namespace tandem
