// Rows do not depend on their neighbours, whatever type the KV cache has, and however many blocks
// of positions it fills.
#include <algorithm>
#include <cmath>

#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 161803;
constexpr int32_t kLong = 700;  // three blocks of 256 positions

class KvTypesTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }

  // A prompt of 280 rows and 4 generated ones in mode reproducible.
  static std::vector<float> longAnswer(const TestModel& m, int32_t nThreads, const char* isa) {
    Random random(kSeed);
    const EnginePtr engine = openEngine(nThreads, isa);
    return runAlone(openWhole(engine, m, TD_MODE_REPRODUCIBLE), m,
                    makeRequest(random, m, 280, 284));
  }
};

class EveryKvTypeTest : public KvTypesTest, public testing::WithParamInterface<int32_t> {};

// Prompts that end near the ends of blocks, now and then.
int32_t promptRows(Random& random) {
  if (random.between(0, 9) > 0) return static_cast<int32_t>(random.between(1, 40));
  return static_cast<int32_t>(random.oneOf({250, 512}) + random.between(0, 10));
}

TEST_P(EveryKvTypeTest, RaggedBatchesGiveWhatEachSequenceGetsAlone) {
  const int32_t kvDtype = GetParam();
  const auto makeModel = [&](Random& random, uint64_t seed) {
    TestModel m = model(random.between(0, kModels - 1), seed);
    m.kvDtype = kvDtype;
    setMaxSeq(m, kLong);
    return m;
  };
  expectRandomRequestsGiveTheSameTogether(caseCount(30, 2000),
                                          kSeed + 1'000'000 * static_cast<uint64_t>(kvDtype),
                                          makeModel, promptRows);
}

INSTANTIATE_TEST_SUITE_P(Types, EveryKvTypeTest, testing::ValuesIn(kKvDtypes),
                         [](const auto& of) { return std::string(dtypeName(of.param)); });

// With a single sequence threads share out the pages of one band. In a short run the models
// take turns with the types; where few tests run, there is one model for each type.
TEST_F(KvTypesTest, ThreadsAndInstructionSetsDoNotChangeTheBitsOfLongSequences) {
  size_t turn = 0;
  for (TestModel& m : allModels(kSeed)) {
    if (fewTests() && turn == std::size(kKvDtypes)) break;
    setMaxSeq(m, kLong);
    for (const int32_t kvDtype : kKvDtypes) {
      if (!longTests() && kvDtype != kKvDtypes[turn % std::size(kKvDtypes)]) continue;
      m.kvDtype = kvDtype;
      const std::vector<float> expected = longAnswer(m, 1, nullptr);
      int32_t nThreads = 1;
      for (const char* isa : availableIsas()) {
        SCOPED_TRACE(m.name + ", KV " + dtypeName(kvDtype) + ", " + isa + ", threads " +
                     std::to_string(++nThreads));
        EXPECT_TRUE(sameBits(longAnswer(m, nThreads, isa), expected));
      }
    }
    ++turn;
  }
}

double norm(const std::vector<float>& x, const std::vector<float>* minus) {
  double sum = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d =
        static_cast<double>(x[i]) - (minus == nullptr ? 0.0 : static_cast<double>((*minus)[i]));
    sum += d * d;
  }
  return std::sqrt(sum);
}

// Rounding to f16 moves keys and values by up to 2^-12 of themselves, to q8_0 by up to 0.4% of a
// chunk's largest: the answer by about as much, while any mix-up of positions, heads or scales
// changes all of it.
TEST_F(KvTypesTest, RoundedCachesGiveAboutTheAnswerOfF32) {
  for (TestModel& m : allModels(kSeed)) {
    setMaxSeq(m, kLong);
    m.kvDtype = TD_F32;
    const std::vector<float> expected = longAnswer(m, 2, nullptr);
    for (const int32_t kvDtype : {TD_F16, TD_Q8_0}) {
      m.kvDtype = kvDtype;
      SCOPED_TRACE(m.name + ", KV " + dtypeName(kvDtype));
      const double share = kvDtype == TD_F16 ? 0.001 : 0.02;
      const std::vector<float> actual = longAnswer(m, 2, nullptr);
      EXPECT_LT(norm(actual, &expected), share * norm(expected, nullptr));
      EXPECT_FALSE(sameBits(actual, expected));
      std::vector<float> swapped = actual;
      const int64_t v = m.config.vocab_size;
      std::swap_ranges(swapped.begin(), swapped.begin() + v, swapped.end() - v);
      EXPECT_GT(norm(swapped, &expected), share * norm(expected, nullptr));
    }
  }
}

TEST_F(KvTypesTest, BytesAreThoseOfTheType) {
  TestModel m = gpt2Model(kSeed, true, {4, 4, 64, 256, 100});
  const EnginePtr engine = openEngine(1);
  const int64_t elements = int64_t{3} * 2 * 4 * 64 * 96;
  for (const int32_t kvDtype : kKvDtypes) {
    m.kvDtype = kvDtype;
    const StagePtr stage = openWhole(engine, m, TD_MODE_FAST);
    const int64_t expected = kvDtype == TD_F32   ? elements * 4
                             : kvDtype == TD_F16 ? elements * 2
                                                 : elements * 34 / 32;
    const int64_t bytes = td_stage_kv_bytes(stage.get(), 96);
    EXPECT_GE(bytes, expected);
    EXPECT_LT(bytes, expected + 65536);  // rounded up to pages
  }
}

}  // namespace
}  // namespace tandem
