// What the model tests share: random models, handles that close themselves, and batches.
#ifndef TANDEM_TEST_MODEL_MODEL_TESTING_H_
#define TANDEM_TEST_MODEL_MODEL_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/tandem.h"
#include "kernels/kernel_testing.h"

namespace tandem {

// Fails the test with the library's message.
void expectOk(td_status status, const char* call);
#define TANDEM_OK(call) ::tandem::expectOk(call, #call)

// A random model with everything that its stages borrow.
struct TestModel {
  std::string name;
  td_config config{};
  int32_t kvDtype = TD_F32;
  std::vector<float> ropeCos, ropeSin;
  std::vector<uint16_t> activationTable;
  std::vector<td_tensor> tensors;  // of all blocks, then of the head
  std::vector<std::unique_ptr<std::vector<float>>> storage;
  std::vector<std::unique_ptr<std::vector<unsigned char>>> encoded;  // of typed()

  // Options for blocks [begin, end) and perhaps the head, mode fast, C = 16, formula, kvDtype.
  td_stage_options options(int32_t begin, int32_t end, bool head) const;
  // Only the tensors that such a stage takes.
  std::vector<td_tensor> tensorsOf(int32_t begin, int32_t end, bool head) const;
  const float* data(td_role role, int32_t layer) const;  // null if absent
};

struct Gpt2Shape {
  int32_t nHeads = 4, nKvHeads = 4, headDim = 8, dModel = 32, dFf = 100, nLayers = 3;
};
// LayerNorm, fused qkv, GELU, a plain feed-forward; with or without biases.
TestModel gpt2Model(uint64_t seed, bool biases = true, const Gpt2Shape& shape = {});

struct LlamaShape {
  int32_t nHeads, nKvHeads, headDim, dModel, dFf;
  td_rope rope;
  int32_t nLayers = 3;
};
// RMSNorm, RoPE, separate q, k and v, a gated feed-forward.
TestModel llamaModel(uint64_t seed, const LlamaShape& shape);

// Both families: with and without biases, MHA, GQA and MQA, both kinds of RoPE, odd sizes.
inline constexpr int64_t kModels = 5;
TestModel model(int64_t i, uint64_t seed);
std::vector<TestModel> allModels(uint64_t seed);

// Gives the model room for that many positions, with tables for them.
void setMaxSeq(TestModel& m, int32_t maxSeq);

// Both families in shapes that every type can have: all that is multiplied by is whole blocks, but
// not whole panels: 12 outputs for a key, an odd vocabulary.
std::vector<TestModel> blockModels(uint64_t seed);

// The same in one layer, wide enough for blocks of 256.
std::vector<TestModel> superblockModels(uint64_t seed);

// No td_dtype: each matrix has a random one; of the second, some have blocks of 256.
inline constexpr int32_t kMixed = -1;
inline constexpr int32_t kMixedSuperblocks = -2;
// Those of the two kinds above that can have the type.
bool hasSuperblocks(int32_t dtype);
std::vector<TestModel> modelsFor(int32_t dtype, uint64_t seed);
// The model with its matrices stored as that type.
TestModel typed(const TestModel& model, int32_t dtype, uint64_t seed);
// The model with the same values as f32.
TestModel expanded(const TestModel& model);
const char* dtypeName(int32_t dtype);

inline constexpr int32_t kKvDtypes[] = {TD_F32, TD_F16, TD_Q8_0};

// Random hidden rows as an embedding would give them.
std::vector<float> randomHidden(Random& random, const TestModel& model, int64_t nRows);

struct EngineCloser {
  void operator()(td_engine* e) const { TANDEM_OK(td_engine_close(e)); }
};
struct StageCloser {
  void operator()(td_stage* s) const { TANDEM_OK(td_stage_close(s)); }
};
struct SequenceCloser {
  void operator()(td_sequence* s) const { TANDEM_OK(td_sequence_close(s)); }
};
using EnginePtr = std::unique_ptr<td_engine, EngineCloser>;
using StagePtr = std::unique_ptr<td_stage, StageCloser>;
using SequencePtr = std::unique_ptr<td_sequence, SequenceCloser>;

EnginePtr openEngine(int32_t nThreads, const char* isa = nullptr);
StagePtr openStage(const EnginePtr& engine, const td_stage_options& options,
                   const std::vector<td_tensor>& tensors);
// All blocks and the head.
td_stage_options wholeOptions(const TestModel& m, td_mode mode);
StagePtr openWhole(const EnginePtr& engine, const TestModel& m, td_mode mode);
SequencePtr openSequence(const StagePtr& stage, int32_t maxPositions);

// Rows of a sequence, all wanted back unless said otherwise.
td_rows rowsOf(const SequencePtr& sequence, int32_t position, int32_t nRows, td_row_kind kind);

// td_step with buffers of exactly the right size; outCols as the stage's.
std::vector<float> step(const StagePtr& stage, const std::vector<td_rows>& rows,
                        const std::vector<float>& in, int64_t outCols);

// The n rows from `begin` on of a row-major matrix.
std::vector<float> slice(const std::vector<float>& rows, int64_t cols, int64_t begin, int64_t n);
void append(std::vector<float>& to, const std::vector<float>& from);

// Lets the library find the OpenBLAS that the build was given.
void useTestOpenBlas();

}  // namespace tandem

#endif  // TANDEM_TEST_MODEL_MODEL_TESTING_H_
