// Handles are numbers that are given once: one that is closed never stands for something else.
#include "api/handles.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 3;

TEST(HandlesTest, NumbersAreGivenOnce) {
  constexpr size_t kThreads = 4, kEach = 1000;
  std::vector<std::vector<uintptr_t>> numbers(kThreads);
  std::vector<std::thread> threads;
  for (std::vector<uintptr_t>& mine : numbers) {
    threads.emplace_back([&mine] {
      for (size_t i = 0; i < kEach; ++i) mine.push_back(nextHandle());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<uintptr_t> all;
  for (const std::vector<uintptr_t>& some : numbers) {
    EXPECT_TRUE(std::is_sorted(some.begin(), some.end()));
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_GT(all.front(), 0U);
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

// Objects of one size, opened and closed in turn, mostly have the same address.
TEST(HandlesTest, AClosedEngineIsNotTheNextOne) {
  td_engine* closed = nullptr;
  TANDEM_OK(td_engine_open(1, nullptr, &closed));
  TANDEM_OK(td_engine_close(closed));
  for (int i = 0; i < 20; ++i) {
    td_engine* next = nullptr;
    TANDEM_OK(td_engine_open(1, nullptr, &next));
    EXPECT_NE(next, closed);
    EXPECT_EQ(td_engine_threads(closed), -1);
    EXPECT_EQ(td_engine_close(closed), TD_INVALID);
    EXPECT_STREQ(td_last_error(), "engine is not open");
    EXPECT_EQ(td_engine_threads(next), 1);
    TANDEM_OK(td_engine_close(next));
  }
}

TEST(HandlesTest, AClosedSequenceOrStageIsNotTheNextOne) {
  const TestModel m = gpt2Model(kSeed);
  const EnginePtr engine = openEngine(1);
  td_sequence* closedSequence = nullptr;
  td_stage* closedStage = nullptr;
  {
    StagePtr stage = openStage(engine, m.options(0, 3, true), m.tensors);
    TANDEM_OK(td_sequence_open(stage.get(), 8, &closedSequence));
    TANDEM_OK(td_sequence_close(closedSequence));
    closedStage = stage.get();
  }
  for (int i = 0; i < 20; ++i) {
    const StagePtr stage = openStage(engine, m.options(0, 3, true), m.tensors);
    const SequencePtr sequence = openSequence(stage, 8);
    EXPECT_EQ(td_stage_weight_bytes(closedStage), -1);
    EXPECT_EQ(td_stage_close(closedStage), TD_INVALID);
    EXPECT_STREQ(td_last_error(), "stage is not open");
    EXPECT_EQ(td_sequence_length(closedSequence), -1);
    EXPECT_EQ(td_sequence_close(closedSequence), TD_INVALID);
    const td_rows rows = {closedSequence, 0, 1, TD_ROWS_PROMPT, 0, 1};
    std::vector<float> in(32), out(67);
    EXPECT_EQ(td_step(stage.get(), &rows, 1, in.data(), 32, out.data(), 67), TD_INVALID);
    EXPECT_STREQ(td_last_error(), "sequence is not open");
  }
}

// A handle of one type is none of another.
TEST(HandlesTest, TypesDoNotShareNumbers) {
  const TestModel m = gpt2Model(kSeed);
  const EnginePtr engine = openEngine(1);
  const StagePtr stage = openStage(engine, m.options(0, 3, true), m.tensors);
  EXPECT_EQ(td_engine_threads(reinterpret_cast<td_engine*>(stage.get())), -1);
  EXPECT_EQ(td_stage_weight_bytes(reinterpret_cast<td_stage*>(engine.get())), -1);
}

}  // namespace
}  // namespace tandem
