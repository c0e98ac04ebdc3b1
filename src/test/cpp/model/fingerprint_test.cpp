// In mode reproducible a model of any weight and KV type gives the same bits on every processor.
#include "kernels/fingerprint.h"

#include "kernels/scalar/half.h"
#include "model/requests.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 141421;

// Tables without libm: the core's own activation, and rotations by rational angles.
void makeTablesExact(TestModel& m) {
  const auto kind =
      m.config.activation == TD_SILU ? ActivationKind::kSilu : ActivationKind::kGeluTanh;
  std::vector<float> x;
  for (uint32_t i = 0; i < 65536; ++i) {
    x.push_back(scalar::floatFromHalf(static_cast<uint16_t>(i)));
  }
  kernels("scalar").activate(x.data(), x.data(), nullptr, 65536, kind, nullptr);
  for (size_t i = 0; i < x.size(); ++i) m.activationTable[i] = scalar::halfFromFloat(x[i]);
  for (size_t i = 0; i < m.ropeCos.size(); ++i) {
    const float t = static_cast<float>(i % 257) / 128.0F - 1.0F;
    m.ropeCos[i] = (1.0F - t * t) / (1.0F + t * t);
    m.ropeSin[i] = 2.0F * t / (1.0F + t * t);
  }
}

class ModelFingerprintTest : public testing::Test {
 protected:
  void SetUp() override { useTestOpenBlas(); }

  // What requests get alone, after a check that they get the same in ragged batches.
  static void add(Fingerprint& f, const TestModel& m, const char* isa, td_activation_eval eval) {
    Random random(kSeed);
    const EnginePtr engine = openEngine(1, isa);
    td_stage_options o = m.options(0, m.config.n_layers, true);
    o.mode = TD_MODE_REPRODUCIBLE;
    o.activation_eval = eval;
    const StagePtr stage = openStage(engine, o, m.tensors);
    std::vector<Request> requests;
    for (int i = 0; i < 2; ++i) {
      const auto nPrompt = static_cast<int32_t>(random.between(17, 40));
      const auto nMore = static_cast<int32_t>(random.between(1, 8));
      requests.push_back(makeRequest(random, m, nPrompt, nPrompt + nMore));
      requests.back().alone = runAlone(stage, m, requests.back());
      f.addFloats(requests.back().alone);
    }
    expectRaggedBatchesGiveWhatEachGetsAlone(random, stage, m, requests);
  }
};

TEST_F(ModelFingerprintTest, EveryTypeGivesTheSameNumberOnEveryProcessor) {
  const struct {
    int32_t dtype, kvDtype;
    const char* expected;
  } kCases[] = {
      {TD_F32, TD_F32, "eb75a6605936e613"},           {TD_F16, TD_F32, "7cd385e33f230dc7"},
      {TD_BF16, TD_F32, "195090b36792dd41"},          {TD_Q8_0, TD_F32, "008a6be239195ff3"},
      {TD_Q4_0, TD_F32, "9dcb7c9b1b9eb2d7"},          {kMixed, TD_F32, "fa5ada527e0d7862"},
      {TD_Q8_0, TD_F16, "53b0999fd00ac644"},          {TD_Q4_0, TD_Q8_0, "7f9440a5ad15b4e4"},
      {TD_Q4_K, TD_F16, "fa9f317b2693c6fa"},          {TD_Q6_K, TD_F16, "3ca68c26bb54c559"},
      {kMixedSuperblocks, TD_F32, "d9a7e9a2694c2c80"}};
  for (const auto& c : kCases) {
    std::vector<TestModel> models = modelsFor(c.dtype, kSeed);
    for (TestModel& m : models) makeTablesExact(m);
    for (const char* isa : availableIsas()) {
      SCOPED_TRACE(std::string(dtypeName(c.dtype)) + ", KV " + dtypeName(c.kvDtype) + ", " + isa);
      Fingerprint f;
      for (const TestModel& plain : models) {
        TestModel m = typed(plain, c.dtype, kSeed);
        m.kvDtype = c.kvDtype;
        if (c.dtype == TD_F32) add(f, m, isa, TD_EVAL_TABLE);
        add(f, m, isa, TD_EVAL_FORMULA);
      }
      EXPECT_EQ(f.text(), c.expected);
    }
  }
}

}  // namespace
}  // namespace tandem
