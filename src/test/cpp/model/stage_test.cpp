// What a stage promises when its implementation fails, and what an implementation does without
// room.
#include "model/stage.h"

#include <new>
#include <stdexcept>

#include "api/options.h"
#include "core/error.h"
#include "model/attention_plan.h"
#include "model/converted_rows.h"
#include "model/cpu_stage.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 91;
constexpr int64_t kCapacity = 320;  // two pages, so that bands are split

// Kernels of which one fails when its turn has come.
std::atomic<int64_t> untilFailure{-1};  // calls; negative: never
const KernelTable* original = nullptr;

void countDown() {
  if (untilFailure.load() >= 0 && untilFailure.fetch_sub(1) == 0) {
    throw std::runtime_error("a kernel failed");
  }
}

KernelTable failingKernels() {
  original = &kernels(nullptr);
  KernelTable table = *original;
  table.matmulF32 = [](const MatmulArgs<float, float>& a, int64_t oBegin, int64_t oEnd) {
    countDown();
    original->matmulF32(a, oBegin, oEnd);
  };
  table.kv[0].attention = [](const AttentionArgs& a) {
    countDown();
    original->kv[0].attention(a);
  };
  return table;
}

// A stage of a test's model, used without the C interface.
class FailingStageTest : public testing::Test {
 protected:
  FailingStageTest()
      : kernels_(failingKernels()),
        model_(gpt2Model(kSeed)),
        engine_(std::make_shared<Engine>(2, kernels_)) {
    untilFailure = -1;
    setMaxSeq(model_, kCapacity);
    td_stage_options o = model_.options(0, model_.config.n_layers, true);
    o.mode = TD_MODE_REPRODUCIBLE;
    const StageSpec spec = checkedSpec(o);
    const std::vector<Tensor> tensors =
        tensorsOf(model_.tensors.data(), static_cast<int64_t>(model_.tensors.size()));
    stage_ = std::make_shared<Stage>(
        engine_, spec, std::make_unique<CpuStage>(spec, tablesOf(o), tensors, *engine_));
    Random random(kSeed + 1);
    in_ = randomHidden(random, model_, kCapacity);
  }

  std::vector<float> run(Sequence& sequence, int64_t position, int64_t n) {
    std::vector<float> out(static_cast<size_t>(n * model_.config.vocab_size));
    const int64_t dModel = model_.config.d_model;
    stage_->beginStep();
    stage_->addEntry(sequence, {position, n, 0, n, false});
    stage_->runStep(
        {in_.data() + position * dModel, out.data(), n * dModel, static_cast<int64_t>(out.size())});
    return out;
  }

  KernelTable kernels_;
  TestModel model_;
  std::shared_ptr<Engine> engine_;
  std::shared_ptr<Stage> stage_;
  std::vector<float> in_;
};

// Wherever a step fails, the sequence ends where the step began, and the same step then gives the
// bits that it gives alone.
TEST_F(FailingStageTest, AStepThatFailsCanBeRepeated) {
  constexpr int64_t kPrompt = 300;
  Sequence whole(stage_, kCapacity);
  const std::vector<float> prompt = run(whole, 0, kPrompt);
  const std::vector<float> next = run(whole, kPrompt, 3);
  int failures = 0;
  for (int64_t calls = 0;; calls = calls * 3 + 1) {
    SCOPED_TRACE(calls);
    Sequence sequence(stage_, kCapacity);
    run(sequence, 0, kPrompt);
    untilFailure = calls;
    bool failed = false;
    try {
      run(sequence, kPrompt, 3);
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "a kernel failed");
      failed = true;
    }
    untilFailure = -1;
    if (!failed) break;
    ++failures;
    EXPECT_EQ(sequence.length, kPrompt);
    EXPECT_TRUE(sameBits(run(sequence, kPrompt, 3), next));
  }
  EXPECT_GE(failures, 4);  // in products and in attention
  // A step that goes back, and fails: what was behind its position is gone.
  untilFailure = 5;
  EXPECT_THROW(run(whole, 7, 20), std::runtime_error);
  untilFailure = -1;
  EXPECT_EQ(whole.length, 7);
  EXPECT_TRUE(sameBits(run(whole, 7, kPrompt - 7),
                       slice(prompt, model_.config.vocab_size, 7, kPrompt - 7)));
}

// What a stage asks of its implementation, and in which order.
class ScriptedImpl final : public StageImpl {
 public:
  struct State final : SequenceState {};
  Profile profile() const override { return {}; }
  int64_t weightBytes() const override { return 1; }
  int64_t stateBytes(int64_t positions) const override { return positions; }
  std::unique_ptr<SequenceState> open(int64_t /*capacity*/) override {
    return std::make_unique<State>();
  }
  void copy(const SequenceState& /*from*/, SequenceState& /*to*/,
            const PositionCopy& /*positions*/) override {
    if (failsToRun) throw std::bad_alloc();
  }
  void prepare(const Step& step) override {
    rows = step.nRows;
    if (failsToPrepare) throw std::bad_alloc();
  }
  void run(const Step& step) override {
    EXPECT_EQ(step.nRows, rows);
    if (failsToRun) throw std::bad_alloc();
  }
  bool failsToPrepare = false, failsToRun = false;
  int64_t rows = 0;
};

TEST(StageTest, LengthsAreThoseOfWhatHasBeenComputed) {
  const TestModel m = gpt2Model(kSeed);
  const auto engine = std::make_shared<Engine>(1, kernels(nullptr));
  auto owned = std::make_unique<ScriptedImpl>();
  ScriptedImpl& impl = *owned;
  const auto stage =
      std::make_shared<Stage>(engine, checkedSpec(m.options(0, 3, false)), std::move(owned));
  Sequence a(stage, 20), b(stage, 20);
  const std::vector<float> in(20 * 32);
  std::vector<float> out(20 * 32);
  const auto step = [&](int64_t aPosition, int64_t bPosition) {
    stage->beginStep();
    stage->addEntry(a, {aPosition, 4, 0, 1, true});
    stage->addEntry(b, {bPosition, 1, 0, 1, false});
    stage->runStep({in.data(), out.data(), 20 * 32, 20 * 32});
  };
  step(0, 0);
  EXPECT_EQ(impl.rows, 5);
  EXPECT_EQ(a.length, 4);
  EXPECT_EQ(b.length, 1);
  impl.failsToPrepare = true;
  EXPECT_THROW(step(2, 0), std::bad_alloc);
  EXPECT_EQ(a.length, 4);
  EXPECT_EQ(b.length, 1);
  impl.failsToPrepare = false;
  impl.failsToRun = true;
  EXPECT_THROW(step(2, 1), std::bad_alloc);
  EXPECT_EQ(a.length, 2);
  EXPECT_EQ(b.length, 1);
  impl.failsToRun = false;
  step(2, 1);
  EXPECT_EQ(a.length, 6);
  EXPECT_EQ(b.length, 2);
  impl.failsToRun = true;
  EXPECT_THROW(stage->copy(a, b, {0, 0, 4}), std::bad_alloc);
  EXPECT_EQ(b.length, 2);
  impl.failsToRun = false;
  stage->copy(a, b, {0, 0, 4});
  EXPECT_EQ(a.length, 6);
  EXPECT_EQ(b.length, 4);
}

template <class F>
void expectNoRoom(F&& body, const std::string& what) {
  try {
    body();
    FAIL() << "no exception";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInternal);
    EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
  }
}

TEST(RoomTest, WhatWasNotReservedIsNotWritten) {
  const KernelTable& table = kernels(nullptr);
  ThreadPool pool(2);
  const std::vector<float> x(4 * 64);
  const View2<const float> rows{x.data(), 4, 64, 64};
  ConvertedRows converted;
  converted.reserveQuantized(3, 64);
  expectNoRoom([&] { converted.quantize(rows, pool, table); }, "quantised rows");
  converted.reserveQuantized(4, 64);
  EXPECT_EQ(converted.quantize(rows, pool, table).rows, 4);
  expectNoRoom([&] { converted.round(rows, pool, table); }, "rounded rows");
}

TEST(RoomTest, PassesThatWereNotReservedDoNotRun) {
  const TestModel m = gpt2Model(kSeed);
  const StageSpec spec = checkedSpec(m.options(0, 3, true));
  Engine engine(2, kernels(nullptr));
  const std::vector<Tensor> list =
      tensorsOf(m.tensors.data(), static_cast<int64_t>(m.tensors.size()));
  const Weights weights(spec, Tensors(spec, list), MatrixTypes::kAsStored, engine);
  Transformer transformer(spec, tablesOf(m.options(0, 3, true)), weights, engine.pool,
                          engine.kernels);
  KvCache kv(spec, engine.kernels, 16);
  transformer.reserve(4, 16, 2);
  const auto run = [&](const Segment& segment, int64_t nRows) {
    RowRanges ranges;
    ranges.exact = {{0, nRows}};
    transformer.layers({segment}, ranges, nRows);
  };
  const View2<float> x = transformer.hidden(4);
  std::fill(x.data, x.data + 4 * 32, 0.5F);
  run({&kv, 0, 0, 4}, 4);
  expectNoRoom([&] { run({&kv, 0, 0, 5}, 5); }, "positions");
  expectNoRoom([&] { run({&kv, 13, 0, 4}, 4); }, "KV cache");
  expectNoRoom([&] { run({&kv, 0, 1, 4}, 4); }, "rows of a pass");
  expectNoRoom([&] { transformer.hidden(100); }, "activations");
  expectNoRoom([&] { transformer.headInput(3); }, "head");

  AttentionPlan plan(spec.config, 2);
  plan.reserve(4, 256);
  KvCache longer(spec, engine.kernels, 4096);
  plan.make({{&longer, 0, 0, 4}});
  expectNoRoom([&] { plan.make({{&longer, 4000, 0, 4}}); }, "partial results");
  std::vector<Segment> many(100, Segment{&longer, 0, 0, 1});
  expectNoRoom([&] { plan.make(many); }, "bands");
}

}  // namespace
}  // namespace tandem
