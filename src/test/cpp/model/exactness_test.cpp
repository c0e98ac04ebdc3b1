// Rows do not depend on their neighbours: the same bits alone, in a batch, in frames, split between
// stages, after a truncation, on any number of threads and, in mode reproducible, on any
// instruction set.
#include <algorithm>
#include <numeric>
#include <set>

#include "model/model_testing.h"
#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 987654321;
constexpr int64_t kC = 16;

class ExactnessTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }
};

// The model in both modes, on two threads.
template <class F>
void inBothModes(const TestModel& m, F&& test) {
  for (const td_mode mode : {TD_MODE_FAST, TD_MODE_REPRODUCIBLE}) {
    SCOPED_TRACE(m.name + ", KV " + dtypeName(m.kvDtype) + ", mode " + std::to_string(mode) +
                 ", seed " + std::to_string(kSeed));
    test(m, mode);
  }
}

// All models, each with one of the types of KV cache.
template <class F>
void forEachModel(F&& test) {
  size_t i = 0;
  for (TestModel& m : allModels(kSeed)) {
    m.kvDtype = kKvDtypes[i++ % std::size(kKvDtypes)];
    inBothModes(m, test);
  }
}

// All models with all types of KV cache; where few tests run, each with one of them.
template <class F>
void forEachCase(F&& test) {
  if (fewTests()) {
    forEachModel(test);
    return;
  }
  for (TestModel& m : allModels(kSeed)) {
    for (const int32_t kvDtype : kKvDtypes) {
      m.kvDtype = kvDtype;
      inBothModes(m, test);
    }
  }
}

TEST_F(ExactnessTest, RaggedBatchesGiveWhatEachSequenceGetsAlone) {
  forEachCase([](const TestModel& m, td_mode mode) {
    Random random(kSeed);
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openWhole(engine, m, mode);
    std::vector<Request> requests;
    for (int i = 0; i < 7; ++i) {
      const auto nPrompt = static_cast<int32_t>(random.between(1, 60));
      requests.push_back(
          makeRequest(random, m, nPrompt, nPrompt + static_cast<int32_t>(random.between(0, 20))));
      requests.back().alone = runAlone(stage, m, requests.back());
    }
    expectRaggedBatchesGiveWhatEachGetsAlone(random, stage, m, requests);
  });
}

// 1,100 rows of whole prompts and of drafts in one step: several passes, cut within drafts and
// between chunks.
TEST_F(ExactnessTest, BatchesOfMoreRowsThanAPassGiveWhatEachSequenceGetsAlone) {
  forEachModel([](const TestModel& m, td_mode mode) {
    Random random(kSeed + 10);
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openWhole(engine, m, mode);
    const int64_t d = m.config.d_model, v = m.config.vocab_size;
    std::vector<SequencePtr> sequences;
    std::vector<td_rows> batch;
    std::vector<float> in, expected;
    for (int i = 0; i < 16; ++i) {
      const bool prompt = i % 3 != 0;
      Request r = makeRequest(random, m, prompt ? 90 : 10, prompt ? 90 : 60);
      r.alone = runAlone(stage, m, r);
      sequences.push_back(openSequence(stage, r.nTotal));
      const SequencePtr& sequence = sequences.back();
      const int32_t done = prompt ? 0 : r.nPrompt;
      if (!prompt) {
        step(stage, {rowsOf(sequence, 0, done, TD_ROWS_PROMPT)}, slice(r.in, d, 0, done), v);
      }
      const int32_t n = r.nTotal - done;
      batch.push_back(rowsOf(sequence, done, n, prompt ? TD_ROWS_PROMPT : TD_ROWS_GENERATED));
      append(in, slice(r.in, d, done, n));
      append(expected, slice(r.alone, v, done, n));
    }
    EXPECT_GT(in.size(), static_cast<size_t>(1100 * d));
    EXPECT_TRUE(sameBits(step(stage, batch, in, v), expected));
  });
}

TEST_F(ExactnessTest, FramesCutAtMultiplesOfCGiveWhatOnePrefillGives) {
  forEachCase([](const TestModel& m, td_mode mode) {
    Random random(kSeed + 1);
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openWhole(engine, m, mode);
    const int64_t d = m.config.d_model, v = m.config.vocab_size;
    for (const int32_t n : {33, 39, 48, 53, 71}) {  // all more than 2C
      const Request r = makeRequest(random, m, n, n);
      const std::vector<float> expected = runAlone(stage, m, r);
      const SequencePtr sequence = openSequence(stage, n);
      std::vector<float> out;
      for (int32_t pos = 0; pos < n;) {
        const int64_t frame = std::min<int64_t>(n - pos, random.between(1, 2) * kC);
        append(out,
               step(stage, {rowsOf(sequence, pos, static_cast<int32_t>(frame), TD_ROWS_PROMPT)},
                    slice(r.in, d, pos, frame), v));
        pos += static_cast<int32_t>(frame);
      }
      EXPECT_TRUE(sameBits(out, expected));
    }
  });
}

TEST_F(ExactnessTest, SeveralGeneratedRowsAtOnceGiveWhatTheyGiveOneByOne) {
  forEachCase([](const TestModel& m, td_mode mode) {
    Random random(kSeed + 2);
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openWhole(engine, m, mode);
    const int64_t d = m.config.d_model, v = m.config.vocab_size;
    const Request r = makeRequest(random, m, 19, 90);
    const std::vector<float> expected = runAlone(stage, m, r);
    const SequencePtr sequence = openSequence(stage, m.config.max_seq);
    std::vector<float> out = step(stage, {rowsOf(sequence, 0, r.nPrompt, TD_ROWS_PROMPT)},
                                  slice(r.in, d, 0, r.nPrompt), v);
    for (int32_t pos = r.nPrompt; pos < r.nTotal;) {
      const int64_t n = std::min<int64_t>(r.nTotal - pos, random.between(1, 34));
      append(out, step(stage, {rowsOf(sequence, pos, static_cast<int32_t>(n), TD_ROWS_GENERATED)},
                       slice(r.in, d, pos, n), v));
      pos += static_cast<int32_t>(n);
    }
    EXPECT_TRUE(sameBits(out, expected));
  });
}

TEST_F(ExactnessTest, RowsRedoneAfterATruncationGiveTheSameBits) {
  forEachCase([](const TestModel& m, td_mode mode) {
    Random random(kSeed + 3);
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openWhole(engine, m, mode);
    const int64_t d = m.config.d_model, v = m.config.vocab_size;
    const Request r = makeRequest(random, m, 21, 80);
    const std::vector<float> expected = runAlone(stage, m, r);
    const SequencePtr sequence = openSequence(stage, m.config.max_seq);
    step(stage, {rowsOf(sequence, 0, r.nPrompt, TD_ROWS_PROMPT)}, slice(r.in, d, 0, r.nPrompt), v);
    for (int32_t pos = r.nPrompt; pos < r.nTotal;) {
      // A wrong draft first, of other rows; then the right one from the same position.
      const auto n =
          static_cast<int32_t>(std::min<int64_t>(m.config.max_seq - pos, random.between(1, 20)));
      step(stage, {rowsOf(sequence, pos, n, TD_ROWS_GENERATED)}, randomHidden(random, m, n), v);
      EXPECT_EQ(td_sequence_length(sequence.get()), pos + n);
      const auto keep = static_cast<int32_t>(std::min<int64_t>(r.nTotal - pos, 3));
      EXPECT_TRUE(sameBits(step(stage, {rowsOf(sequence, pos, keep, TD_ROWS_GENERATED)},
                                slice(r.in, d, pos, keep), v),
                           slice(expected, v, pos, keep)));
      pos += keep;
      EXPECT_EQ(td_sequence_length(sequence.get()), pos);
    }
    // Back to the beginning: the prompt again.
    EXPECT_TRUE(sameBits(step(stage, {rowsOf(sequence, 0, r.nPrompt, TD_ROWS_PROMPT)},
                              slice(r.in, d, 0, r.nPrompt), v),
                         slice(expected, v, 0, r.nPrompt)));
  });
}

TEST_F(ExactnessTest, ASplitAtEveryCutGivesWhatTheWholeGives) {
  forEachCase([](const TestModel& m, td_mode mode) {
    Random random(kSeed + 4);
    const EnginePtr engine = openEngine(2);
    const StagePtr stage = openWhole(engine, m, mode);
    const int32_t nLayers = m.config.n_layers;
    const int64_t d = m.config.d_model, v = m.config.vocab_size;
    const Request r = makeRequest(random, m, 41, 44);
    const std::vector<float> expected = runAlone(stage, m, r);
    for (int32_t cut = 0; cut <= nLayers; ++cut) {
      SCOPED_TRACE("cut at " + std::to_string(cut));
      std::vector<StagePtr> stages;
      std::vector<SequencePtr> sequences;
      const auto add = [&](int32_t begin, int32_t end, bool head) {
        td_stage_options o = m.options(begin, end, head);
        o.mode = mode;
        stages.push_back(openStage(engine, o, m.tensorsOf(begin, end, head)));
        sequences.push_back(openSequence(stages.back(), m.config.max_seq));
      };
      add(0, cut, false);
      add(cut, nLayers, false);
      add(nLayers, nLayers, true);
      const auto chain = [&](int32_t pos, int32_t n, td_row_kind kind) {
        std::vector<float> x = slice(r.in, d, pos, n);
        for (size_t i = 0; i < stages.size(); ++i) {
          x = step(stages[i], {rowsOf(sequences[i], pos, n, kind)}, x, i == 2 ? v : d);
        }
        return x;
      };
      std::vector<float> out = chain(0, r.nPrompt, TD_ROWS_PROMPT);
      for (int32_t pos = r.nPrompt; pos < r.nTotal; ++pos) {
        append(out, chain(pos, 1, TD_ROWS_GENERATED));
      }
      EXPECT_TRUE(sameBits(out, expected));
    }
  });
}

TEST_F(ExactnessTest, ThreadsDoNotChangeTheBits) {
  forEachCase([](const TestModel& m, td_mode mode) {
    Random random(kSeed + 5);
    const Request r = makeRequest(random, m, 45, 50);
    std::vector<std::vector<float>> results;
    for (const int32_t nThreads : {1, 2, 3}) {
      const EnginePtr engine = openEngine(nThreads);
      ASSERT_EQ(td_engine_threads(engine.get()), nThreads);
      results.push_back(runAlone(openWhole(engine, m, mode), m, r));
    }
    EXPECT_TRUE(sameBits(results[1], results[0]));
    EXPECT_TRUE(sameBits(results[2], results[0]));
  });
}

// Wide enough that one matmul is several sgemm panels, with a remainder.
TEST_F(ExactnessTest, ThreadsDoNotChangeTheBitsOfSeveralPanels) {
  TestModel m = llamaModel(kSeed, {6, 3, 80, 401, 1203, TD_ROPE_HALVES});
  m.config.n_layers = 1;
  Random random(kSeed + 6);
  const Request r = makeRequest(random, m, 45, 47);
  std::vector<std::vector<float>> results;
  for (const int32_t nThreads : {1, 2, 3}) {
    const EnginePtr engine = openEngine(nThreads);
    td_stage_options o = m.options(0, 1, true);
    o.chunk_rows = 32;
    results.push_back(runAlone(openStage(engine, o, m.tensorsOf(0, 1, true)), m, r));
  }
  EXPECT_TRUE(sameBits(results[1], results[0]));
  EXPECT_TRUE(sameBits(results[2], results[0]));
}

TEST_F(ExactnessTest, InstructionSetsGiveTheSameBitsInModeReproducible) {
  for (const TestModel& m : allModels(kSeed)) {
    for (const td_activation_eval eval : {TD_EVAL_TABLE, TD_EVAL_FORMULA}) {
      SCOPED_TRACE(m.name);
      Random random(kSeed + 7);
      const Request r = makeRequest(random, m, 45, 50);
      std::vector<std::vector<float>> results;
      for (const char* isa : availableIsas()) {
        const EnginePtr engine = openEngine(2, isa);
        ASSERT_STREQ(td_engine_isa(engine.get()), isa);
        td_stage_options o = wholeOptions(m, TD_MODE_REPRODUCIBLE);
        o.activation_eval = eval;
        results.push_back(runAlone(openStage(engine, o, m.tensors), m, r));
        EXPECT_TRUE(sameBits(results.back(), results.front())) << isa;
      }
    }
  }
}

// In mode fast a prompt's bits depend on C, so a comparison that never fails would show here.
TEST_F(ExactnessTest, TheComparisonsAreSharpEnoughToSeeOtherChunks) {
  const TestModel m = gpt2Model(kSeed);
  Random random(kSeed + 8);
  const EnginePtr engine = openEngine(2);
  const Request r = makeRequest(random, m, 45, 46);
  std::set<std::vector<float>> results;
  for (const int32_t c : {4, 16}) {
    td_stage_options o = wholeOptions(m, TD_MODE_FAST);
    o.chunk_rows = c;
    results.insert(runAlone(openStage(engine, o, m.tensors), m, r));
  }
  EXPECT_EQ(results.size(), 2U);

  const std::vector<float> good = *results.begin();
  const int64_t v = m.config.vocab_size;
  std::vector<float> swapped = good;
  std::swap_ranges(swapped.begin(), swapped.begin() + v, swapped.begin() + v);
  EXPECT_FALSE(sameBits(swapped, good));
  EXPECT_FALSE(sameBits(std::vector<float>(good.size(), 0.0F), good));
}

// Without sgemm, C must not matter: every row is computed on its own.
TEST_F(ExactnessTest, ChunksDoNotChangeTheBitsInModeReproducible) {
  for (const TestModel& m : allModels(kSeed)) {
    SCOPED_TRACE(m.name);
    Random random(kSeed + 9);
    const EnginePtr engine = openEngine(2);
    const Request r = makeRequest(random, m, 61, 64);
    std::set<std::vector<float>> results;
    for (const int32_t c : {1, 4, 16, 256}) {
      td_stage_options o = wholeOptions(m, TD_MODE_REPRODUCIBLE);
      o.chunk_rows = c;
      results.insert(runAlone(openStage(engine, o, m.tensors), m, r));
    }
    EXPECT_EQ(results.size(), 1U);
  }
}

}  // namespace
}  // namespace tandem
