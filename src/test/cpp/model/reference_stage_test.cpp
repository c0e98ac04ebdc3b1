// The reference stages against the naive transformer in double precision.
#include "reference/reference_stage.h"

#include <algorithm>

#include "model/naive_oracle.h"
#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 20250929;
constexpr int32_t kPrompt = 21;
constexpr int32_t kTotal = 26;  // then rows generated one by one

constexpr int32_t kNaive = 0;
constexpr int32_t kKvLinearResidual =
    TD_REFERENCE_KV_CACHE | TD_REFERENCE_CURRENT_LINEAR | TD_REFERENCE_CURRENT_RESIDUAL;
constexpr int32_t kBlasKv =
    TD_REFERENCE_SGEMM | kKvLinearResidual | TD_REFERENCE_CURRENT_ACTIVATION;

// All combinations that there are: without a KV cache the others are off.
std::vector<int32_t> allSwitches() {
  std::vector<int32_t> all;
  for (int32_t bits = 0; bits < 32; ++bits) {
    const bool kvCache = (bits & TD_REFERENCE_KV_CACHE) != 0;
    if (kvCache || bits <= TD_REFERENCE_SGEMM) all.push_back(bits);
  }
  return all;
}

StagePtr openReference(const EnginePtr& engine, const td_stage_options& options,
                       const std::vector<td_tensor>& tensors, int32_t switches) {
  td_stage* stage = nullptr;
  TANDEM_OK(td_reference_open(engine.get(), &options, tensors.data(),
                              static_cast<int32_t>(tensors.size()), switches, &stage));
  return StagePtr(stage);
}

class ReferenceStageTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }
};

TEST_F(ReferenceStageTest, EveryCombinationAgreesWithDoublePrecision) {
  RecordProperty("seed", static_cast<int>(kSeed));
  const EnginePtr engine = openEngine(2);
  for (const TestModel& m : allModels(kSeed)) {
    Random random(kSeed + 1);
    const std::vector<float> in = randomHidden(random, m, kTotal);
    const Expected expected = oracle(m, in, nullptr, false);
    for (const bool table : {false, true}) {
      const Bounds bounds = errorBounds(m, in, expected, kSeed + 2, table);
      for (const int32_t switches : allSwitches()) {
        SCOPED_TRACE(m.name + (table ? " table" : " formula") + " switches " +
                     std::to_string(switches));
        const int32_t n = m.config.n_layers;
        td_stage_options blocks = m.options(0, n, false);
        td_stage_options whole = m.options(0, n, true);
        blocks.activation_eval = whole.activation_eval = table ? TD_EVAL_TABLE : TD_EVAL_FORMULA;
        const StagePtr hidden = openReference(engine, blocks, m.tensorsOf(0, n, false), switches);
        const StagePtr logits = openReference(engine, whole, m.tensors, switches);
        EXPECT_TRUE(within(runAlone(hidden, m, in, kPrompt, m.config.d_model), expected.hidden,
                           bounds.hidden));
        EXPECT_TRUE(within(runAlone(logits, m, in, kPrompt, m.config.vocab_size), expected.logits,
                           bounds.logits));
      }
    }
  }
}

// The bounds must tell a model from one whose last block is missing, and rows from each other.
TEST_F(ReferenceStageTest, TheBoundRejectsWrongResults) {
  const EnginePtr engine = openEngine(2);
  for (const TestModel& m : allModels(kSeed)) {
    SCOPED_TRACE(m.name);
    Random random(kSeed + 1);
    const std::vector<float> in = randomHidden(random, m, kTotal);
    const Expected expected = oracle(m, in, nullptr, false);
    const Bounds bounds = errorBounds(m, in, expected, kSeed + 2, true);
    const int64_t d = m.config.d_model;
    const int32_t n = m.config.n_layers;
    const StagePtr whole =
        openReference(engine, m.options(0, n, false), m.tensorsOf(0, n, false), kNaive);
    std::vector<float> swapped = runAlone(whole, m, in, kPrompt, d);
    EXPECT_TRUE(within(swapped, expected.hidden, bounds.hidden));
    std::swap_ranges(swapped.begin(), swapped.begin() + d, swapped.begin() + d);
    EXPECT_FALSE(within(swapped, expected.hidden, bounds.hidden));
    const StagePtr shorter =
        openReference(engine, m.options(0, n - 1, false), m.tensorsOf(0, n - 1, false), kNaive);
    EXPECT_FALSE(within(runAlone(shorter, m, in, kPrompt, d), expected.hidden, bounds.hidden));
  }
}

// Matrices of every type count as the f32 values that they stand for.
TEST_F(ReferenceStageTest, AllTypesAreExpanded) {
  const EnginePtr engine = openEngine(2);
  for (const TestModel& m : blockModels(kSeed)) {
    const TestModel mixed = typed(m, kMixed, kSeed + 3);
    const TestModel f32 = expanded(mixed);
    Random random(kSeed + 4);
    const std::vector<float> in = randomHidden(random, m, kTotal);
    for (const int32_t switches : {kNaive, kBlasKv}) {
      SCOPED_TRACE(m.name + " switches " + std::to_string(switches));
      const td_stage_options options = m.options(0, m.config.n_layers, true);
      const StagePtr a = openReference(engine, options, mixed.tensors, switches);
      const StagePtr b = openReference(engine, options, f32.tensors, switches);
      EXPECT_EQ(td_stage_weight_bytes(a.get()), td_stage_weight_bytes(b.get()));
      EXPECT_EQ(runAlone(a, m, in, kPrompt, m.config.vocab_size),
                runAlone(b, m, in, kPrompt, m.config.vocab_size));
    }
  }
}

// A sequence that goes back to an earlier position, beside another one in the same batch.
TEST_F(ReferenceStageTest, SequencesAreTruncatedAndApart) {
  const EnginePtr engine = openEngine(2);
  const TestModel m = gpt2Model(kSeed);
  const int64_t d = m.config.d_model;
  const int64_t v = m.config.vocab_size;
  Random random(kSeed + 5);
  const std::vector<float> in = randomHidden(random, m, kTotal);
  const std::vector<float> other = randomHidden(random, m, kTotal);
  for (const int32_t switches : {kNaive, kKvLinearResidual, kBlasKv}) {
    SCOPED_TRACE("switches " + std::to_string(switches));
    const StagePtr stage =
        openReference(engine, m.options(0, m.config.n_layers, true), m.tensors, switches);
    const std::vector<float> alone = runAlone(stage, m, in, kPrompt, v);
    const SequencePtr a = openSequence(stage, kTotal);
    const SequencePtr b = openSequence(stage, kTotal);
    std::vector<float> both = slice(in, d, 0, kPrompt);
    append(both, slice(other, d, 0, 9));
    step(stage, {rowsOf(a, 0, kPrompt, TD_ROWS_PROMPT), rowsOf(b, 0, 9, TD_ROWS_PROMPT)}, both, v);
    // Other rows from position 5 on, then the right ones again.
    step(stage, {rowsOf(a, 5, 12, TD_ROWS_PROMPT)}, slice(other, d, 0, 12), v);
    EXPECT_EQ(td_sequence_length(a.get()), 17);
    step(stage, {rowsOf(a, 5, kPrompt - 5, TD_ROWS_PROMPT)}, slice(in, d, 5, kPrompt - 5), v);
    td_rows last = rowsOf(a, kPrompt, 3, TD_ROWS_GENERATED);
    last.out_begin = 1;
    last.n_out = 1;
    const std::vector<float> got = step(stage, {last}, slice(in, d, kPrompt, 3), v);
    const std::vector<float> want = slice(alone, v, kPrompt + 1, 1);
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-4F);
    EXPECT_EQ(td_sequence_length(b.get()), 9);
    // What is copied is what was computed.
    const SequencePtr c = openSequence(stage, kTotal + 2);
    TANDEM_OK(td_sequence_copy(a.get(), 0, c.get(), 0, kPrompt));
    last.sequence = c.get();
    EXPECT_TRUE(sameBits(step(stage, {last}, slice(in, d, kPrompt, 3), v), got));
  }
}

TEST_F(ReferenceStageTest, SaysWhatItKeeps) {
  const EnginePtr engine = openEngine(1);
  const TestModel m = llamaModel(kSeed, {6, 2, 10, 44, 60, TD_ROPE_HALVES});
  const td_stage_options options = m.options(0, m.config.n_layers, true);
  const StagePtr naive = openReference(engine, options, m.tensors, kNaive);
  const StagePtr kept = openReference(engine, options, m.tensors, kBlasKv);
  EXPECT_EQ(td_stage_kv_bytes(naive.get(), 7), 7 * 44 * 4);
  EXPECT_EQ(td_stage_kv_bytes(kept.get(), 7), 7 * (44 + m.config.n_layers * 2 * 20) * 4);
  EXPECT_EQ(td_stage_prompt_kernels(naive.get()), 0);
  EXPECT_EQ(td_stage_prompt_kernels(kept.get()), TD_PROMPT_SGEMM);
}

}  // namespace
}  // namespace tandem
