// What was copied from another sequence gives the bits of what was computed.
#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 577215;
constexpr int32_t kC = 16;
constexpr int32_t kChunks = 18;  // more than one page of 256 positions
constexpr int32_t kPrompt = kChunks * kC + 11;
constexpr int32_t kTotal = kPrompt + 3;

class CopyTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }
};

// One sequence for each whole chunk of a sequence, as a cache of prompts keeps them.
std::vector<SequencePtr> chunksOf(const StagePtr& stage, const SequencePtr& sequence) {
  std::vector<SequencePtr> chunks;
  for (int32_t i = 0; i < kChunks; ++i) {
    chunks.push_back(openSequence(stage, kC));
    TANDEM_OK(td_sequence_copy(sequence.get(), i * kC, chunks.back().get(), 0, kC));
    EXPECT_EQ(td_sequence_length(chunks.back().get()), kC);
  }
  return chunks;
}

// The rest of the prompt and the generated rows, after the chunks.
std::vector<float> continued(const StagePtr& stage, const TestModel& m,
                             const std::vector<float>& in, const std::vector<SequencePtr>& chunks) {
  const int64_t d = m.config.d_model, v = m.config.vocab_size;
  const SequencePtr sequence = openSequence(stage, kTotal + 5);  // of another capacity
  int32_t n = 0;
  for (const SequencePtr& chunk : chunks) {
    TANDEM_OK(td_sequence_copy(chunk.get(), 0, sequence.get(), n, kC));
    n += kC;
    EXPECT_EQ(td_sequence_length(sequence.get()), n);
  }
  std::vector<float> out = step(stage, {rowsOf(sequence, n, kPrompt - n, TD_ROWS_PROMPT)},
                                slice(in, d, n, kPrompt - n), v);
  for (int32_t pos = kPrompt; pos < kTotal; ++pos) {
    append(out,
           step(stage, {rowsOf(sequence, pos, 1, TD_ROWS_GENERATED)}, slice(in, d, pos, 1), v));
  }
  return out;
}

TEST_F(CopyTest, CopiedChunksGiveTheBitsOfComputedOnes) {
  uint64_t seed = kSeed;
  for (const int32_t kvDtype : kKvDtypes) {
    for (const td_mode mode : {TD_MODE_FAST, TD_MODE_REPRODUCIBLE}) {
      for (const char* isa : availableIsas()) {
        ++seed;
        TestModel m = model(static_cast<int64_t>(seed % kModels), seed);
        m.kvDtype = kvDtype;
        setMaxSeq(m, kTotal + 5);
        SCOPED_TRACE(m.name + ", KV " + dtypeName(kvDtype) + ", mode " + std::to_string(mode) +
                     ", " + isa);
        const EnginePtr engine = openEngine(2, isa);
        const StagePtr stage = openWhole(engine, m, mode);
        Random random(seed);
        const std::vector<float> in = randomHidden(random, m, kTotal);
        const int64_t v = m.config.vocab_size;
        const std::vector<float> whole = runAlone(stage, m, in, kPrompt, v);
        const SequencePtr first = openSequence(stage, kPrompt);
        step(stage, {rowsOf(first, 0, kPrompt, TD_ROWS_PROMPT)},
             slice(in, m.config.d_model, 0, kPrompt), v);
        std::vector<SequencePtr> chunks = chunksOf(stage, first);
        const std::vector<float> expected = slice(whole, v, kChunks * kC, kTotal - kChunks * kC);
        EXPECT_TRUE(sameBits(continued(stage, m, in, chunks), expected));
        std::swap(chunks[0], chunks[1]);
        EXPECT_FALSE(sameBits(continued(stage, m, in, chunks), expected));
      }
    }
  }
}

// A sequence that is copied into ends behind the copy, as if the rest had never been computed.
TEST_F(CopyTest, ACopyTruncates) {
  const TestModel m = model(0, kSeed);
  const EnginePtr engine = openEngine(1);
  const StagePtr stage = openWhole(engine, m, TD_MODE_REPRODUCIBLE);
  const int64_t d = m.config.d_model, v = m.config.vocab_size;
  Random random(kSeed);
  const std::vector<float> in = randomHidden(random, m, 60);
  const std::vector<float> expected = runAlone(stage, m, slice(in, d, 0, 40), 40, v);
  const SequencePtr a = openSequence(stage, 40), b = openSequence(stage, 40);
  step(stage, {rowsOf(a, 0, 32, TD_ROWS_PROMPT)}, slice(in, d, 0, 32), v);
  step(stage, {rowsOf(b, 0, 40, TD_ROWS_PROMPT)}, slice(in, d, 20, 40), v);
  TANDEM_OK(td_sequence_copy(a.get(), 0, b.get(), 0, 21));
  EXPECT_EQ(td_sequence_length(b.get()), 21);
  TANDEM_OK(td_sequence_copy(a.get(), 16, b.get(), 16, 16));
  EXPECT_EQ(td_sequence_length(b.get()), 32);
  EXPECT_TRUE(sameBits(step(stage, {rowsOf(b, 32, 8, TD_ROWS_PROMPT)}, slice(in, d, 32, 8), v),
                       slice(expected, v, 32, 8)));
}

}  // namespace
}  // namespace tandem
