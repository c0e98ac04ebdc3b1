#include "model/model_testing.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/scalar/half.h"
#include "model/blocks.h"
#include "model/encode_blocks.h"

namespace tandem {
namespace {

constexpr int32_t kMaxSeq = 96;  // six times the C of most tests

void addTensor(TestModel& m, Random& random, td_role role, int32_t layer, int64_t rows,
               int64_t cols, float scale, float offset) {
  auto data = std::make_unique<std::vector<float>>(random.reals(rows * cols));
  for (float& x : *data) x = x * scale + offset;
  m.tensors.push_back({role, layer, TD_F32, 0, rows, cols, data->data(), rows * cols * 4});
  m.storage.push_back(std::move(data));
}

// Uniform with the variance 1 / nIn, so that products keep the size of their inputs.
void addMatrix(TestModel& m, Random& random, td_role role, int32_t layer, int64_t rows,
               int64_t cols) {
  const float scale = std::sqrt(3.0F / static_cast<float>(cols));
  addTensor(m, random, role, layer, rows, cols, scale, 0.0F);
}

void addGain(TestModel& m, Random& random, td_role role, int32_t layer) {
  addTensor(m, random, role, layer, 1, m.config.d_model, 0.2F, 1.0F);
}

void addBias(TestModel& m, Random& random, td_role role, int32_t layer, int64_t n) {
  addTensor(m, random, role, layer, 1, n, 0.1F, 0.0F);
}

double activation(int32_t kind, double x) {
  switch (kind) {
    case TD_GELU_TANH:
      return x / (1.0 + std::exp(-2.0 * std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    case TD_GELU_ERF:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    default:
      return x / (1.0 + std::exp(-x));
  }
}

std::vector<uint16_t> activationTable(int32_t kind) {
  std::vector<uint16_t> table;
  for (uint32_t i = 0; i < 65536; ++i) {
    const double x = scalar::floatFromHalf(static_cast<uint16_t>(i));
    table.push_back(scalar::halfFromFloat(static_cast<float>(activation(kind, x))));
  }
  return table;
}

// One table for all models of a kind: random batches make thousands of models, some in an emulator.
void makeActivationTable(TestModel& m) {
  static const std::vector<uint16_t> kGelu = activationTable(TD_GELU_TANH);
  static const std::vector<uint16_t> kSilu = activationTable(TD_SILU);
  m.activationTable = m.config.activation == TD_SILU ? kSilu : kGelu;
}

void makeRopeTables(TestModel& m) {
  const int64_t half = m.config.head_dim / 2;
  m.ropeCos.clear();
  m.ropeSin.clear();
  for (int64_t pos = 0; pos < m.config.max_seq; ++pos) {
    for (int64_t i = 0; i < half; ++i) {
      const double exponent = -static_cast<double>(i) / static_cast<double>(half);
      const double angle = static_cast<double>(pos) * std::pow(10000.0, exponent);
      m.ropeCos.push_back(static_cast<float>(std::cos(angle)));
      m.ropeSin.push_back(static_cast<float>(std::sin(angle)));
    }
  }
}

// With storage of its own.
TestModel copyOf(const TestModel& model) {
  TestModel m;
  m.name = model.name;
  m.config = model.config;
  m.kvDtype = model.kvDtype;
  m.ropeCos = model.ropeCos;
  m.ropeSin = model.ropeSin;
  m.activationTable = model.activationTable;
  for (td_tensor t : model.tensors) {
    const auto* bytes = static_cast<const unsigned char*>(t.data);
    if (t.dtype == TD_F32) {
      auto values = std::make_unique<std::vector<float>>(static_cast<size_t>(t.rows * t.cols));
      std::memcpy(values->data(), bytes, static_cast<size_t>(t.data_bytes));
      t.data = values->data();
      m.storage.push_back(std::move(values));
    } else {
      m.encoded.push_back(
          std::make_unique<std::vector<unsigned char>>(bytes, bytes + t.data_bytes));
      t.data = m.encoded.back()->data();
    }
    m.tensors.push_back(t);
  }
  return m;
}

bool belongs(const td_tensor& t, int32_t begin, int32_t end, bool head) {
  return t.layer < 0 ? head : t.layer >= begin && t.layer < end;
}

}  // namespace

void expectOk(td_status status, const char* call) {
  EXPECT_EQ(status, TD_OK) << call << ": " << td_last_error();
}

td_stage_options TestModel::options(int32_t begin, int32_t end, bool head) const {
  td_stage_options o{};
  o.config = config;
  o.layer_begin = begin;
  o.layer_end = end;
  o.has_head = head ? 1 : 0;
  o.mode = TD_MODE_FAST;
  o.activation_eval = TD_EVAL_FORMULA;
  o.kv_dtype = kvDtype;
  o.chunk_rows = 16;
  o.rope_cos = ropeCos.empty() ? nullptr : ropeCos.data();
  o.rope_sin = ropeSin.empty() ? nullptr : ropeSin.data();
  o.activation_table = activationTable.data();
  return o;
}

std::vector<td_tensor> TestModel::tensorsOf(int32_t begin, int32_t end, bool head) const {
  std::vector<td_tensor> chosen;
  for (const td_tensor& t : tensors) {
    if (belongs(t, begin, end, head)) chosen.push_back(t);
  }
  return chosen;
}

const float* TestModel::data(td_role role, int32_t layer) const {
  for (const td_tensor& t : tensors) {
    if (t.role == role && t.layer == layer) return static_cast<const float*>(t.data);
  }
  return nullptr;
}

TestModel gpt2Model(uint64_t seed, bool biases, const Gpt2Shape& s) {
  Random random(seed);
  TestModel m;
  m.name = biases ? "gpt2" : "gpt2 without biases";
  m.config = {s.nLayers, s.nHeads,      s.nKvHeads, s.headDim,    s.dModel, s.dFf, 67,
              kMaxSeq,   TD_NORM_LAYER, 1e-5F,      TD_GELU_TANH, 0,        0};
  const td_config& c = m.config;
  const int64_t q = int64_t{c.n_heads} * c.head_dim;
  const int64_t qkv = q + int64_t{2} * c.n_kv_heads * c.head_dim;
  const auto bias = [&](td_role role, int32_t layer, int64_t n) {
    if (biases) addBias(m, random, role, layer, n);
  };
  for (int32_t layer = 0; layer < c.n_layers; ++layer) {
    addGain(m, random, TD_ATTN_NORM, layer);
    bias(TD_ATTN_NORM_BIAS, layer, c.d_model);
    addMatrix(m, random, TD_WQKV, layer, qkv, c.d_model);
    bias(TD_BQKV, layer, qkv);
    addMatrix(m, random, TD_WO, layer, c.d_model, q);
    bias(TD_BO, layer, c.d_model);
    addGain(m, random, TD_FFN_NORM, layer);
    bias(TD_FFN_NORM_BIAS, layer, c.d_model);
    addMatrix(m, random, TD_WUP, layer, c.d_ff, c.d_model);
    bias(TD_BUP, layer, c.d_ff);
    addMatrix(m, random, TD_WDOWN, layer, c.d_model, c.d_ff);
    bias(TD_BDOWN, layer, c.d_model);
  }
  addGain(m, random, TD_OUTPUT_NORM, -1);
  bias(TD_OUTPUT_NORM_BIAS, -1, c.d_model);
  addMatrix(m, random, TD_LM_HEAD, -1, c.vocab_size, c.d_model);
  makeActivationTable(m);
  return m;
}

TestModel llamaModel(uint64_t seed, const LlamaShape& s) {
  Random random(seed);
  TestModel m;
  m.name = "llama " + std::to_string(s.nHeads) + "/" + std::to_string(s.nKvHeads) + " heads";
  m.config = {s.nLayers, s.nHeads,    s.nKvHeads, s.headDim, s.dModel, s.dFf, 71,
              kMaxSeq,   TD_NORM_RMS, 1e-5F,      TD_SILU,   1,        s.rope};
  const td_config& c = m.config;
  const int64_t q = int64_t{c.n_heads} * c.head_dim;
  const int64_t kv = int64_t{c.n_kv_heads} * c.head_dim;
  for (int32_t layer = 0; layer < c.n_layers; ++layer) {
    addGain(m, random, TD_ATTN_NORM, layer);
    addMatrix(m, random, TD_WQ, layer, q, c.d_model);
    addMatrix(m, random, TD_WK, layer, kv, c.d_model);
    addMatrix(m, random, TD_WV, layer, kv, c.d_model);
    addMatrix(m, random, TD_WO, layer, c.d_model, q);
    addGain(m, random, TD_FFN_NORM, layer);
    addMatrix(m, random, TD_WGATE, layer, c.d_ff, c.d_model);
    addMatrix(m, random, TD_WUP, layer, c.d_ff, c.d_model);
    addMatrix(m, random, TD_WDOWN, layer, c.d_model, c.d_ff);
  }
  addGain(m, random, TD_OUTPUT_NORM, -1);
  addMatrix(m, random, TD_LM_HEAD, -1, c.vocab_size, c.d_model);
  makeActivationTable(m);
  makeRopeTables(m);
  return m;
}

TestModel model(int64_t i, uint64_t seed) {
  switch (i) {
    case 0:
      return gpt2Model(seed);
    case 1:
      return gpt2Model(seed + 1, false);
    case 2:
      return llamaModel(seed + 2, {4, 4, 8, 32, 44, TD_ROPE_INTERLEAVED});
    case 3:
      return llamaModel(seed + 3, {6, 2, 10, 44, 61, TD_ROPE_HALVES});
    default:
      return llamaModel(seed + 4, {5, 1, 6, 37, 50, TD_ROPE_INTERLEAVED});
  }
}

std::vector<TestModel> allModels(uint64_t seed) {
  std::vector<TestModel> models;
  for (int64_t i = 0; i < kModels; ++i) models.push_back(model(i, seed));
  return models;
}

void setMaxSeq(TestModel& m, int32_t maxSeq) {
  m.config.max_seq = maxSeq;
  if (m.config.rope != TD_ROPE_NONE) makeRopeTables(m);
}

std::vector<TestModel> blockModels(uint64_t seed) {
  std::vector<TestModel> models;
  models.push_back(gpt2Model(seed, true, {8, 1, 12, 64, 160}));
  models.push_back(llamaModel(seed + 1, {8, 1, 12, 64, 96, TD_ROPE_HALVES}));
  return models;
}

std::vector<TestModel> superblockModels(uint64_t seed) {
  std::vector<TestModel> models;
  models.push_back(gpt2Model(seed, true, {32, 1, 8, 256, 512, 1}));
  models.push_back(llamaModel(seed + 1, {32, 1, 8, 256, 256, TD_ROPE_HALVES, 1}));
  return models;
}

bool hasSuperblocks(int32_t dtype) {
  return dtype == TD_Q4_K || dtype == TD_Q6_K || dtype == kMixedSuperblocks;
}

std::vector<TestModel> modelsFor(int32_t dtype, uint64_t seed) {
  return hasSuperblocks(dtype) ? superblockModels(seed) : blockModels(seed);
}

TestModel typed(const TestModel& model, int32_t dtype, uint64_t seed) {
  Random random(seed);
  TestModel m = copyOf(model);
  m.name += std::string(" ") + dtypeName(dtype);
  for (td_tensor& t : m.tensors) {
    if (t.rows == 1) continue;
    const int64_t type =
        dtype == kMixed ? random.oneOf({TD_F32, TD_F16, TD_BF16, TD_Q8_0, TD_Q4_0, TD_Q4_1})
        : dtype == kMixedSuperblocks ? random.oneOf({TD_F32, TD_BF16, TD_Q8_0, TD_Q4_K, TD_Q6_K})
                                     : dtype;
    if (type == TD_F32) continue;
    const auto* data = static_cast<const float*>(t.data);
    m.encoded.push_back(std::make_unique<std::vector<unsigned char>>());
    std::vector<unsigned char>& bytes = *m.encoded.back();
    encode(bytes, static_cast<td_dtype>(type), data, t.rows * t.cols);
    t.dtype = static_cast<int32_t>(type);
    t.data = bytes.data();
    t.data_bytes = static_cast<int64_t>(bytes.size());
  }
  return m;
}

TestModel expanded(const TestModel& model) {
  TestModel m = copyOf(model);
  m.name += " expanded";
  for (td_tensor& t : m.tensors) {
    if (t.dtype == TD_F32) continue;
    auto values = std::make_unique<std::vector<float>>(static_cast<size_t>(t.rows * t.cols));
    const auto* bytes = static_cast<const unsigned char*>(t.data);
    const auto dtype = static_cast<DType>(t.dtype);
    const int64_t blockElements = blockShape(dtype).elements;
    for (size_t i = 0; i < values->size() && blockElements == 1; ++i) {
      uint16_t half = 0;
      std::memcpy(&half, bytes + 2 * i, sizeof half);
      (*values)[i] = t.dtype == TD_F16 ? scalar::floatFromHalf(half)
                                       : floatOfBits(static_cast<uint32_t>(half) << 16);
    }
    if (blockElements > 1) {
      decodeBlocks(values->data(), dtype, bytes, t.rows * t.cols / blockElements);
    }
    t.dtype = TD_F32;
    t.data = values->data();
    t.data_bytes = t.rows * t.cols * 4;
    m.storage.push_back(std::move(values));
  }
  return m;
}

const char* dtypeName(int32_t dtype) {
  switch (dtype) {
    case TD_F32:
      return "f32";
    case TD_F16:
      return "f16";
    case TD_BF16:
      return "bf16";
    case TD_Q8_0:
      return "q8_0";
    case TD_Q4_0:
      return "q4_0";
    case TD_Q4_K:
      return "q4_K";
    case TD_Q6_K:
      return "q6_K";
    case kMixedSuperblocks:
      return "mixed superblocks";
    default:
      return "mixed";
  }
}

std::vector<float> randomHidden(Random& random, const TestModel& model, int64_t nRows) {
  return random.reals(nRows * model.config.d_model);
}

EnginePtr openEngine(int32_t nThreads, const char* isa) {
  td_engine* engine = nullptr;
  TANDEM_OK(td_engine_open(nThreads, isa, &engine));
  return EnginePtr(engine);
}

StagePtr openStage(const EnginePtr& engine, const td_stage_options& options,
                   const std::vector<td_tensor>& tensors) {
  td_stage* stage = nullptr;
  TANDEM_OK(td_stage_open(engine.get(), &options, tensors.data(),
                          static_cast<int32_t>(tensors.size()), &stage));
  return StagePtr(stage);
}

td_stage_options wholeOptions(const TestModel& m, td_mode mode) {
  td_stage_options o = m.options(0, m.config.n_layers, true);
  o.mode = mode;
  return o;
}

StagePtr openWhole(const EnginePtr& engine, const TestModel& m, td_mode mode) {
  return openStage(engine, wholeOptions(m, mode), m.tensors);
}

SequencePtr openSequence(const StagePtr& stage, int32_t maxPositions) {
  td_sequence* sequence = nullptr;
  TANDEM_OK(td_sequence_open(stage.get(), maxPositions, &sequence));
  return SequencePtr(sequence);
}

td_rows rowsOf(const SequencePtr& sequence, int32_t position, int32_t nRows, td_row_kind kind) {
  return {sequence.get(), position, nRows, kind, 0, nRows};
}

std::vector<float> step(const StagePtr& stage, const std::vector<td_rows>& rows,
                        const std::vector<float>& in, int64_t outCols) {
  int64_t nOut = 0;
  for (const td_rows& r : rows) nOut += r.n_out;
  std::vector<float> out(static_cast<size_t>(nOut * outCols), kNaN);
  TANDEM_OK(td_step(stage.get(), rows.data(), static_cast<int32_t>(rows.size()), in.data(),
                    static_cast<int64_t>(in.size()), out.data(), static_cast<int64_t>(out.size())));
  return out;
}

std::vector<float> slice(const std::vector<float>& rows, int64_t cols, int64_t begin, int64_t n) {
  return {rows.begin() + begin * cols, rows.begin() + (begin + n) * cols};
}

void append(std::vector<float>& to, const std::vector<float>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void useTestOpenBlas() { TANDEM_OK(td_blas_set_path(TANDEM_TEST_OPENBLAS)); }

}  // namespace tandem
