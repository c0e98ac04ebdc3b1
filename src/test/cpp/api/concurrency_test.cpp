// Calls from many threads on one engine: they wait for each other, and each gets its own answer.
#include <atomic>
#include <thread>

#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 77;

TEST(ConcurrencyTest, StepsFromManyThreadsGiveWhatTheyGiveAlone) {
  useTestOpenBlas();
  const TestModel m = gpt2Model(kSeed);
  const EnginePtr engine = openEngine(2);
  const StagePtr stage = openStage(engine, m.options(0, 3, true), m.tensors);
  constexpr int32_t kRows = 40;
  Random random(kSeed);
  const std::vector<float> in = randomHidden(random, m, kRows);
  const auto run = [&] {
    const SequencePtr sequence = openSequence(stage, kRows);
    std::vector<float> out =
        step(stage, {rowsOf(sequence, 0, 36, TD_ROWS_PROMPT)}, slice(in, 32, 0, 36), 67);
    for (int32_t pos = 36; pos < kRows; ++pos) {
      append(out,
             step(stage, {rowsOf(sequence, pos, 1, TD_ROWS_GENERATED)}, slice(in, 32, pos, 1), 67));
    }
    return out;
  };
  const std::vector<float> expected = run();
  std::vector<std::thread> threads(6);
  std::atomic<int> same{0};
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      for (int i = 0; i < 10; ++i) same += run() == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 60);
}

TEST(ConcurrencyTest, TwoEnginesRunAtOnce) {
  useTestOpenBlas();
  const TestModel m = gpt2Model(kSeed);
  Random random(kSeed);
  const std::vector<float> in = randomHidden(random, m, 48);
  const auto run = [&] {
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openStage(engine, m.options(0, 3, true), m.tensors);
    const SequencePtr sequence = openSequence(stage, 48);
    return step(stage, {rowsOf(sequence, 0, 48, TD_ROWS_PROMPT)}, in, 67);
  };
  const std::vector<float> expected = run();
  std::vector<std::thread> threads(3);
  std::atomic<int> same{0};
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      for (int i = 0; i < 10; ++i) same += run() == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 30);
}

// A message belongs to the thread whose call failed.
TEST(ConcurrencyTest, MessagesBelongToTheirThread) {
  EXPECT_EQ(td_engine_close(nullptr), TD_INVALID);
  std::thread([] { EXPECT_STREQ(td_last_error(), ""); }).join();
  EXPECT_STREQ(td_last_error(), "engine is NULL");
}

}  // namespace
}  // namespace tandem
