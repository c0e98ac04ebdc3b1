// The core against the naive transformer in double precision.
#include <algorithm>

#include "model/naive_oracle.h"
#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 20240607;
constexpr int32_t kPrompt = 37;  // two whole chunks of 16, then one of 5
constexpr int32_t kTotal = 43;   // then rows generated one by one

class OracleTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }

  // Hidden rows or logits of all positions.
  static std::vector<float> runCore(const TestModel& m, const td_stage_options& options,
                                    const std::vector<float>& in, int64_t outCols) {
    const EnginePtr engine = openEngine(2);
    const int32_t n = m.config.n_layers;
    const StagePtr stage = openStage(engine, options, m.tensorsOf(0, n, options.has_head == 1));
    return runAlone(stage, m, in, kPrompt, outCols);
  }
};

TEST_F(OracleTest, BothFamiliesAgreeWithDoublePrecision) {
  RecordProperty("seed", static_cast<int>(kSeed));
  for (const TestModel& m : allModels(kSeed)) {
    Random random(kSeed + 100);
    const std::vector<float> in = randomHidden(random, m, kTotal);
    for (const bool table : {false, true}) {
      const Expected expected = oracle(m, in, nullptr, false);
      const Bounds bounds = errorBounds(m, in, expected, kSeed + 200, table);
      for (const td_mode mode : {TD_MODE_FAST, TD_MODE_REPRODUCIBLE}) {
        SCOPED_TRACE(m.name + (table ? " table" : " formula") + " mode " + std::to_string(mode));
        const int32_t n = m.config.n_layers;
        td_stage_options blocks = m.options(0, n, false);
        td_stage_options whole = m.options(0, n, true);
        blocks.mode = whole.mode = mode;
        blocks.activation_eval = whole.activation_eval = table ? TD_EVAL_TABLE : TD_EVAL_FORMULA;
        EXPECT_TRUE(
            within(runCore(m, blocks, in, m.config.d_model), expected.hidden, bounds.hidden));
        EXPECT_TRUE(
            within(runCore(m, whole, in, m.config.vocab_size), expected.logits, bounds.logits));
      }
    }
  }
}

TEST_F(OracleTest, TheBoundIsTightEnoughToRejectWrongResults) {
  for (const TestModel& m : allModels(kSeed)) {
    SCOPED_TRACE(m.name);
    Random random(kSeed + 100);
    const std::vector<float> in = randomHidden(random, m, kTotal);
    const Expected expected = oracle(m, in, nullptr, false);
    const Bounds bounds = errorBounds(m, in, expected, kSeed + 200, true);
    const std::vector<float> good(expected.logits.begin(), expected.logits.end());
    const int64_t cols = m.config.vocab_size;
    EXPECT_TRUE(within(good, expected.logits, bounds.logits));
    std::vector<float> swapped = good;
    std::swap_ranges(swapped.begin() + cols, swapped.begin() + 2 * cols,
                     swapped.begin() + 2 * cols);
    EXPECT_FALSE(within(swapped, expected.logits, bounds.logits));
    EXPECT_FALSE(within(std::vector<float>(good.size(), 0.0F), expected.logits, bounds.logits));
    RecordProperty("largest bound " + m.name,
                   std::to_string(*std::max_element(bounds.logits.begin(), bounds.logits.end())));
  }
}

}  // namespace
}  // namespace tandem
