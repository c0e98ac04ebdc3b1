// Rows do not depend on their neighbours, whatever type the weights have.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 271828;
constexpr int32_t kTypes[] = {TD_F32,  TD_F16,  TD_BF16, TD_Q8_0,          TD_Q4_0,
                              TD_Q4_K, TD_Q6_K, kMixed,  kMixedSuperblocks};

class WeightTypesTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }

  // 40 rows of prompt and 4 generated ones in mode reproducible.
  static std::vector<float> answer(const TestModel& m, const char* isa = nullptr) {
    Random random(kSeed);
    const EnginePtr engine = openEngine(2, isa);
    return runAlone(openWhole(engine, m, TD_MODE_REPRODUCIBLE), m, makeRequest(random, m, 40, 44));
  }
};

class EveryWeightTypeTest : public WeightTypesTest, public testing::WithParamInterface<int32_t> {};

TEST_P(EveryWeightTypeTest, RaggedBatchesGiveWhatEachSequenceGetsAlone) {
  const int32_t dtype = GetParam();
  const auto makeModel = [&](Random& random, uint64_t seed) {
    const std::vector<TestModel> models = modelsFor(dtype, seed);
    return typed(models[static_cast<size_t>(random.between(0, 1))], dtype, seed);
  };
  // Models of 256-blocks are large for an emulator. Both lengths have prompts of several chunks.
  const int64_t longest = hasSuperblocks(dtype) ? 24 : 40;
  expectRandomRequestsGiveTheSameTogether(
      caseCount(20, 2000), kSeed + 1'000'000 * static_cast<uint64_t>(dtype + 2), makeModel,
      [&](Random& r) { return static_cast<int32_t>(r.between(1, longest)); });
}

std::string testName(const testing::TestParamInfo<int32_t>& info) {
  std::string name = dtypeName(info.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Types, EveryWeightTypeTest, testing::ValuesIn(kTypes), testName);

TEST_F(WeightTypesTest, WeightsOf16BitsGiveTheBitsOfTheSameValuesInF32) {
  for (const TestModel& plain : blockModels(kSeed)) {
    for (const int32_t dtype : {TD_F16, TD_BF16}) {
      const TestModel m = typed(plain, dtype, kSeed);
      const std::vector<float> expected = answer(expanded(m));
      for (const char* isa : availableIsas()) {
        SCOPED_TRACE(m.name + ", " + isa);
        EXPECT_TRUE(sameBits(answer(m, isa), expected));
      }
    }
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

// Activations of 8 bits lose half a unit in 127 of a block's largest: rounding errors of at most
// 0.3% of it, so that a few percent of the answer are plenty, while any mix-up of rows, blocks or
// biases changes all of it.
TEST_F(WeightTypesTest, QuantisedProductsAreCloseToThoseOfTheSameValuesInF32) {
  constexpr double kShare = 0.05;
  for (const int32_t dtype : {int32_t{TD_Q8_0}, int32_t{TD_Q4_0}, int32_t{TD_Q4_K},
                              int32_t{TD_Q6_K}, kMixed, kMixedSuperblocks}) {
    for (const TestModel& plain : modelsFor(dtype, kSeed)) {
      const TestModel m = typed(plain, dtype, kSeed);
      SCOPED_TRACE(m.name);
      const std::vector<float> expected = answer(expanded(m));
      const std::vector<float> actual = answer(m);
      EXPECT_LT(norm(actual, &expected), kShare * norm(expected, nullptr));
      std::vector<float> swapped = actual;
      const int64_t v = m.config.vocab_size;
      std::swap_ranges(swapped.begin(), swapped.begin() + v, swapped.end() - v);
      EXPECT_GT(norm(swapped, &expected), kShare * norm(expected, nullptr));
    }
  }
}

// In mode fast only f32, and bf16 with the processor's own products, differ for prompts.
TEST_F(WeightTypesTest, OnlyF32AndBf16HavePromptKernelsOfModeFast) {
  for (const int32_t dtype : {TD_F32, TD_F16, TD_BF16, TD_Q8_0, TD_Q4_0, TD_Q4_K, TD_Q6_K}) {
    const TestModel m = typed(modelsFor(dtype, kSeed).front(), dtype, kSeed);
    for (const char* isa : availableIsas()) {
      SCOPED_TRACE(m.name + ", " + isa);
      Random random(kSeed);
      const EnginePtr engine = openEngine(2, isa);
      const Request r = makeRequest(random, m, 40, 44);
      const StagePtr stage = openWhole(engine, m, TD_MODE_FAST);
      const bool products = dtype == TD_BF16 && kernels(isa).bf16Dots.matmul != nullptr;
      const int32_t expected = dtype == TD_F32 ? TD_PROMPT_SGEMM
                               : products      ? TD_PROMPT_VDPBF16PS
                                               : 0;
      EXPECT_EQ(td_stage_prompt_kernels(stage.get()), expected);
      EXPECT_EQ(td_stage_matrix_types(stage.get()), 1 << dtype);
      EXPECT_EQ(!sameBits(runAlone(stage, m, r), answer(m)), expected != 0);
      EXPECT_EQ(td_stage_prompt_kernels(openWhole(engine, m, TD_MODE_REPRODUCIBLE).get()), 0);
    }
  }
}

// Each tensor as it is read: panels are whole, vectors f32.
TEST_F(WeightTypesTest, BytesAreThoseThatAStepReads) {
  for (const int32_t dtype : kTypes) {
    for (const TestModel& plain : modelsFor(dtype, kSeed)) {
      const TestModel m = typed(plain, dtype, kSeed);
      SCOPED_TRACE(m.name);
      int64_t least = 0, most = 0;
      for (const td_tensor& t : m.tensors) {
        const int64_t bytes = t.dtype == TD_Q4_1   ? t.rows * t.cols * 4
                              : t.dtype == TD_Q4_K ? t.data_bytes / 144 * 148
                                                   : t.data_bytes;
        least += bytes;
        const bool panels =
            t.dtype == TD_Q8_0 || t.dtype == TD_Q4_0 || t.dtype == TD_Q4_K || t.dtype == TD_Q6_K;
        most += panels ? bytes + 3 * 15 * bytes / t.rows : bytes;  // three parts of a fused matrix
      }
      const EnginePtr engine = openEngine(1);
      const StagePtr stage = openWhole(engine, m, TD_MODE_FAST);
      EXPECT_GE(td_stage_weight_bytes(stage.get()), least);
      EXPECT_LE(td_stage_weight_bytes(stage.get()), most);
    }
  }
}

}  // namespace
}  // namespace tandem
