// Every stored form of a tensor gives the bits that plain f32 gives.
#include <cstring>

#include "kernels/scalar/half.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 4242;

uint16_t encode(td_dtype dtype, float x) {
  if (dtype == TD_F16) return scalar::halfFromFloat(x);
  return static_cast<uint16_t>(bitsOfFloat(x) >> 16);
}

float decode(td_dtype dtype, uint16_t x) {
  if (dtype == TD_F16) return scalar::floatFromHalf(x);
  return floatOfBits(static_cast<uint32_t>(x) << 16);
}

struct Form {
  td_dtype dtype;
  bool transposed;
  size_t shift;  // bytes past an aligned address
};

// The model's tensors in another form; `bytes` owns their memory.
struct Stored {
  std::vector<td_tensor> tensors;
  std::vector<std::vector<unsigned char>> bytes;
};

Stored store(const TestModel& m, const Form& form) {
  Stored stored;
  for (td_tensor t : m.tensors) {
    const auto* data = static_cast<const float*>(t.data);
    const size_t elementBytes = form.dtype == TD_F32 ? 4 : 2;
    const auto n = static_cast<size_t>(t.rows * t.cols);
    std::vector<unsigned char> bytes(n * elementBytes + form.shift);
    for (int64_t r = 0; r < t.rows; ++r) {
      for (int64_t c = 0; c < t.cols; ++c) {
        const float x = data[r * t.cols + c];
        const auto to = static_cast<size_t>(form.transposed ? c * t.rows + r : r * t.cols + c);
        unsigned char* at = bytes.data() + form.shift + to * elementBytes;
        if (form.dtype == TD_F32) {
          std::memcpy(at, &x, 4);
        } else {
          const uint16_t half = encode(form.dtype, x);
          std::memcpy(at, &half, 2);
        }
      }
    }
    t.dtype = form.dtype;
    t.transposed = form.transposed ? 1 : 0;
    t.data = bytes.data() + form.shift;
    t.data_bytes = static_cast<int64_t>(n * elementBytes);
    stored.tensors.push_back(t);
    stored.bytes.push_back(std::move(bytes));
  }
  return stored;
}

// So that 16 bits lose nothing.
void roundTo(td_dtype dtype, TestModel& m) {
  if (dtype == TD_F32) return;
  for (const auto& tensor : m.storage) {
    for (float& x : *tensor) x = decode(dtype, encode(dtype, x));
  }
}

std::vector<float> run(const TestModel& m, const std::vector<td_tensor>& tensors) {
  Random random(kSeed);
  const EnginePtr engine = openEngine(2);
  td_stage_options o = m.options(0, m.config.n_layers, true);
  o.mode = TD_MODE_REPRODUCIBLE;
  const StagePtr stage = openStage(engine, o, tensors);
  const SequencePtr sequence = openSequence(stage, 9);
  return step(stage, {rowsOf(sequence, 0, 9, TD_ROWS_PROMPT)}, randomHidden(random, m, 9),
              m.config.vocab_size);
}

TEST(WeightsTest, EveryStoredFormGivesTheSameBits) {
  for (TestModel& m : allModels(kSeed)) {
    for (const td_dtype dtype : {TD_F32, TD_F16, TD_BF16}) {
      roundTo(dtype, m);
      const std::vector<float> expected = run(m, m.tensors);
      for (const bool transposed : {false, true}) {
        for (const size_t shift : {0, 1, 2, 4}) {
          SCOPED_TRACE(m.name + " dtype " + std::to_string(dtype) + " transposed " +
                       std::to_string(transposed) + " shift " + std::to_string(shift));
          const Stored stored = store(m, {dtype, transposed, shift});
          EXPECT_TRUE(sameBits(run(m, stored.tensors), expected));
        }
      }
    }
  }
}

TEST(WeightsTest, FusedAndSeparateQkvGiveTheSameBits) {
  const TestModel m = gpt2Model(kSeed);
  std::vector<td_tensor> separate;
  for (const td_tensor& t : m.tensors) {
    if (t.role != TD_WQKV && t.role != TD_BQKV) {
      separate.push_back(t);
      continue;
    }
    const bool isMatrix = t.role == TD_WQKV;
    const td_role roles[] = {isMatrix ? TD_WQ : TD_BQ, isMatrix ? TD_WK : TD_BK,
                             isMatrix ? TD_WV : TD_BV};
    const int64_t n = t.rows * t.cols / 3;
    for (int64_t part = 0; part < 3; ++part) {
      separate.push_back({roles[part], t.layer, TD_F32, 0, isMatrix ? t.rows / 3 : 1,
                          isMatrix ? t.cols : n, static_cast<const float*>(t.data) + part * n,
                          n * 4});
    }
  }
  EXPECT_TRUE(sameBits(run(m, separate), run(m, m.tensors)));
}

TEST(WeightsTest, AnF32MatrixIsUsedWhereItLies) {
  TestModel m = gpt2Model(kSeed);
  const std::vector<float> before = run(m, m.tensors);
  const EnginePtr engine = openEngine(1);
  td_stage_options o = m.options(0, m.config.n_layers, true);
  o.mode = TD_MODE_REPRODUCIBLE;
  const StagePtr stage = openStage(engine, o, m.tensors);
  for (float& x : *m.storage.back()) x *= 2.0F;  // the LM head
  Random random(kSeed);
  const SequencePtr sequence = openSequence(stage, 9);
  std::vector<float> twice = before;
  for (float& x : twice) x *= 2.0F;
  EXPECT_TRUE(sameBits(step(stage, {rowsOf(sequence, 0, 9, TD_ROWS_PROMPT)},
                            randomHidden(random, m, 9), m.config.vocab_size),
                       twice));
}

TEST(WeightsTest, StagesThatShareExpandedTensorsOutliveEachOther) {
  TestModel m = gpt2Model(kSeed);
  const Stored stored = store(m, {TD_F32, true, 0});
  const std::vector<float> expected = run(m, m.tensors);
  td_stage_options o = m.options(0, m.config.n_layers, true);
  o.mode = TD_MODE_REPRODUCIBLE;
  const EnginePtr engine = openEngine(2);
  StagePtr stage = openStage(engine, o, stored.tensors);
  for (int i = 0; i < 3; ++i) {
    StagePtr next = openStage(engine, o, stored.tensors);  // while the one before is open
    stage = std::move(next);                               // which closes it
    Random random(kSeed);
    const SequencePtr sequence = openSequence(stage, 9);
    EXPECT_TRUE(sameBits(step(stage, {rowsOf(sequence, 0, 9, TD_ROWS_PROMPT)},
                              randomHidden(random, m, 9), m.config.vocab_size),
                         expected));
  }
}

TEST(WeightsTest, BytesAreThoseOfTheStagesTensorsInF32) {
  const TestModel m = gpt2Model(kSeed);
  const EnginePtr engine = openEngine(1);
  int64_t bytes = 0;
  for (const td_tensor& t : m.tensorsOf(1, 3, true)) bytes += t.data_bytes;
  const StagePtr stage = openStage(engine, m.options(1, 3, true), m.tensorsOf(1, 3, true));
  EXPECT_EQ(td_stage_weight_bytes(stage.get()), bytes);
}

}  // namespace
}  // namespace tandem
