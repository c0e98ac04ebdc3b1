// Every wrong argument of a stage gives a status and a message that says what is wrong.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/expect_error.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 31;

class StageErrorsTest : public testing::Test {
 protected:
  using Edit = std::function<void(td_stage_options&)>;
  using EditTensors = std::function<void(std::vector<td_tensor>&)>;

  // Opening with the edited options or tensors fails with a message that contains the text.
  void expectRefused(const Edit& edit, const std::string& text, td_status status = TD_INVALID) {
    td_stage_options o = llama_.options(0, 3, true);
    edit(o);
    expectRefused(o, llama_.tensors, text, status);
  }
  void expectTensorsRefused(const TestModel& m, const EditTensors& edit, const std::string& text) {
    std::vector<td_tensor> tensors = m.tensors;
    edit(tensors);
    expectRefused(m.options(0, 3, true), tensors, text, TD_INVALID);
  }
  void expectRefused(const td_stage_options& o, const std::vector<td_tensor>& tensors,
                     const std::string& text, td_status status) {
    td_stage* stage = nullptr;
    expectError(td_stage_open(engine_.get(), &o, tensors.data(),
                              static_cast<int32_t>(tensors.size()), &stage),
                status, text);
    EXPECT_EQ(stage, nullptr);
  }
  static td_tensor& find(std::vector<td_tensor>& tensors, td_role role, int32_t layer) {
    for (td_tensor& t : tensors) {
      if (t.role == role && t.layer == layer) return t;
    }
    throw std::logic_error("the test names a tensor that is not there");
  }

  TestModel gpt2_ = gpt2Model(kSeed);
  TestModel llama_ = llamaModel(kSeed, {6, 2, 10, 44, 60, TD_ROPE_HALVES});
  EnginePtr engine_ = openEngine(1);
};

TEST_F(StageErrorsTest, EveryConfigField) {
  struct Field {
    int32_t td_config::*field;
    const char* name;
  };
  const Field fields[] = {{&td_config::n_layers, "n_layers"},
                          {&td_config::n_heads, "n_heads"},
                          {&td_config::n_kv_heads, "n_kv_heads"},
                          {&td_config::head_dim, "head_dim"},
                          {&td_config::d_model, "d_model"},
                          {&td_config::d_ff, "d_ff"},
                          {&td_config::vocab_size, "vocab_size"},
                          {&td_config::max_seq, "max_seq"},
                          {&td_config::norm, "norm"},
                          {&td_config::activation, "activation"},
                          {&td_config::gated, "gated"},
                          {&td_config::rope, "rope"}};
  for (const Field& f : fields) {
    const bool isSize = f.field != &td_config::norm && f.field != &td_config::activation &&
                        f.field != &td_config::gated && f.field != &td_config::rope;
    std::vector<int32_t> bad = {-1, std::numeric_limits<int32_t>::min(),
                                std::numeric_limits<int32_t>::max()};
    if (isSize) bad.push_back(0);
    for (const int32_t value : bad) {
      expectRefused([&](td_stage_options& o) { o.config.*f.field = value; }, f.name);
    }
  }
  expectRefused([](td_stage_options& o) { o.config.n_kv_heads = 4; }, "multiple of n_kv_heads");
  expectRefused([](td_stage_options& o) { o.config.n_kv_heads = 7; }, "n_kv_heads");
  expectRefused([](td_stage_options& o) { o.config.head_dim = 9; }, "even");
  for (const float eps :
       {0.0F, -1.0F, 1.0F, std::nanf(""), std::numeric_limits<float>::infinity()}) {
    expectRefused([&](td_stage_options& o) { o.config.norm_eps = eps; }, "norm_eps");
  }
  expectRefused(
      [](td_stage_options& o) {
        o.config.n_heads = o.config.n_kv_heads = o.config.head_dim = 1 << 24;
      },
      "n_heads * head_dim");
}

TEST_F(StageErrorsTest, EveryOption) {
  expectRefused([](td_stage_options& o) { o.layer_begin = -1; }, "layer_begin");
  expectRefused([](td_stage_options& o) { o.layer_begin = 4; }, "layer_begin");
  expectRefused([](td_stage_options& o) { o.layer_begin = 2, o.layer_end = 1; }, "layer_end");
  expectRefused([](td_stage_options& o) { o.layer_end = 4; }, "layer_end");
  expectRefused([](td_stage_options& o) { o.has_head = 2; }, "has_head");
  expectRefused([](td_stage_options& o) { o.mode = 2; }, "mode");
  expectRefused([](td_stage_options& o) { o.activation_eval = -1; }, "activation_eval");
  expectRefused([](td_stage_options& o) { o.kv_dtype = TD_BF16; }, "kv_dtype", TD_UNSUPPORTED);
  expectRefused([](td_stage_options& o) { o.kv_dtype = 99; }, "kv_dtype", TD_UNSUPPORTED);
  expectRefused([](td_stage_options& o) { o.chunk_rows = 0; }, "chunk_rows");
  expectRefused([](td_stage_options& o) { o.chunk_rows = 1 << 30; }, "chunk_rows");
  expectRefused([](td_stage_options& o) { o.rope_sin = nullptr; }, "rope_sin");
  expectRefused(
      [](td_stage_options& o) {
        o.activation_eval = TD_EVAL_TABLE;
        o.activation_table = nullptr;
      },
      "activation_table");
}

TEST_F(StageErrorsTest, EveryTensorMustBeThereOnceAndRight) {
  for (const TestModel* m : {&gpt2_, &llama_}) {
    for (size_t i = 0; i < m->tensors.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      const bool isMatrix = m->tensors[i].rows > 1 || m->tensors[i].role == TD_ATTN_NORM;
      if (isMatrix) {  // biases may be absent
        expectTensorsRefused(
            *m, [&](auto& t) { t.erase(t.begin() + at); }, "missing");
      }
      expectTensorsRefused(
          *m, [&](auto& t) { t.push_back(t[i]); }, "given twice");
      expectTensorsRefused(
          *m, [&](auto& t) { ++t[i].rows; }, "expected shape");
      expectTensorsRefused(
          *m, [&](auto& t) { --t[i].cols; }, "expected shape");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].rows = -t[i].rows; }, "expected shape");
      expectTensorsRefused(
          *m, [&](auto& t) { --t[i].data_bytes; }, "bytes of data");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].data_bytes = -1; }, "bytes of data");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].dtype = TD_F16; }, "bytes of data");
      for (const int32_t dtype : {-1, TD_IQ4_NL + 1, std::numeric_limits<int32_t>::max()}) {
        expectTensorsRefused(
            *m, [&](auto& t) { t[i].dtype = dtype; }, "unknown dtype");
      }
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].transposed = 2; }, "transposed");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].data = nullptr; }, "NULL");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].role = 22; }, "unknown role");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].role = -1; }, "unknown role");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].layer = 3; }, "layer");
      expectTensorsRefused(
          *m, [&](auto& t) { t[i].layer = -2; }, "layer");
    }
  }
}

TEST_F(StageErrorsTest, QuantizedTensors) {
  // In gpt2_, wo is [32, 32] and wDown [32, 100].
  const auto quantize = [](td_tensor& t, td_dtype dtype, int64_t bytes) {
    t.dtype = dtype;
    t.data_bytes = bytes;
  };
  for (const td_dtype dtype : {TD_Q4_0, TD_Q4_1, TD_Q5_0, TD_Q5_1, TD_Q8_0, TD_IQ4_NL}) {
    expectTensorsRefused(
        gpt2_, [&](auto& t) { quantize(find(t, TD_WDOWN, 1), dtype, 32 * 3 * 34); },
        "tensor wDown of layer 1: cols: expected a multiple of 32 for its dtype, got 100");
    expectTensorsRefused(
        gpt2_,
        [&](auto& t) {
          quantize(find(t, TD_WO, 1), dtype, 32 * 34);
          find(t, TD_WO, 1).transposed = 1;
        },
        "tensor wo of layer 1: transposed: expected 0 for a quantised dtype, got 1");
  }
  for (const td_dtype dtype : {TD_Q4_K, TD_Q5_K, TD_Q6_K}) {
    expectTensorsRefused(
        gpt2_, [&](auto& t) { quantize(find(t, TD_WO, 0), dtype, 4 * 210); },
        "tensor wo of layer 0: cols: expected a multiple of 256 for its dtype, got 32");
  }
  for (const int64_t bytes : {int64_t{0}, int64_t{-1}, int64_t{32 * 34 - 1}, int64_t{32 * 34 + 1},
                              int64_t{32 * 32 * 4}, std::numeric_limits<int64_t>::max()}) {
    expectTensorsRefused(
        gpt2_, [&](auto& t) { quantize(find(t, TD_WO, 2), TD_Q8_0, bytes); },
        "tensor wo of layer 2: expected 1088 bytes of data, got " + std::to_string(bytes));
  }
  expectTensorsRefused(
      gpt2_,
      [&](auto& t) {
        quantize(find(t, TD_WO, 2), TD_Q8_0, 1088);
        find(t, TD_WO, 2).data = nullptr;
      },
      "its data is NULL");
}

TEST_F(StageErrorsTest, MessagesNameRoleLayerExpectedAndGot) {
  expectTensorsRefused(
      gpt2_, [](auto& t) { std::swap(find(t, TD_WQKV, 1).rows, find(t, TD_WQKV, 1).cols); },
      "tensor wqkv of layer 1: expected shape [96, 32], got [32, 96]");
  expectTensorsRefused(
      gpt2_, [](auto& t) { find(t, TD_LM_HEAD, -1).data_bytes = 8; },
      "tensor lmHead: expected 8576 bytes of data, got 8");
}

TEST_F(StageErrorsTest, TensorsThatDoNotBelongTogether) {
  expectTensorsRefused(
      gpt2_,
      [](auto& t) {
        find(t, TD_BO, 0).role = TD_WGATE, find(t, TD_WGATE, 0).rows = 100,
                       find(t, TD_WGATE, 0).cols = 32, find(t, TD_WGATE, 0).data_bytes = 12800;
      },
      "not gated");
  expectTensorsRefused(
      gpt2_, [](auto& t) { find(t, TD_BO, 0).role = TD_BQ; }, "wqkv is given too");
  expectTensorsRefused(
      llama_,
      [](auto& t) {
        t.push_back(find(t, TD_ATTN_NORM, 2));
        t.back().role = TD_ATTN_NORM_BIAS;
      },
      "RMSNorm has no bias");
  td_stage_options noHead = llama_.options(0, 3, false);
  expectRefused(noHead, llama_.tensors, "has no head", TD_INVALID);
}

TEST_F(StageErrorsTest, NullsAndOrderOfClosing) {
  const td_stage_options o = llama_.options(0, 3, true);
  const auto n = static_cast<int32_t>(llama_.tensors.size());
  const td_tensor* tensors = llama_.tensors.data();
  td_stage* stage = nullptr;
  expectError(td_stage_open(nullptr, &o, tensors, n, &stage), TD_INVALID, "engine is NULL");
  expectError(td_stage_open(engine_.get(), nullptr, tensors, n, &stage), TD_INVALID, "options");
  expectError(td_stage_open(engine_.get(), &o, nullptr, n, &stage), TD_INVALID, "tensors");
  expectError(td_stage_open(engine_.get(), &o, tensors, -1, &stage), TD_INVALID, "n_tensors");
  expectError(td_stage_open(engine_.get(), &o, tensors, n, nullptr), TD_INVALID, "out");
  expectError(td_stage_close(nullptr), TD_INVALID, "stage is NULL");
  EXPECT_EQ(td_stage_weight_bytes(nullptr), -1);
  EXPECT_EQ(td_stage_matrix_types(nullptr), 0);
  EXPECT_EQ(td_stage_prompt_kernels(nullptr), -1);
  EXPECT_EQ(td_stage_kv_bytes(nullptr, 1), -1);

  TANDEM_OK(td_stage_open(engine_.get(), &o, tensors, n, &stage));
  EXPECT_EQ(td_stage_kv_bytes(stage, -1), -1);
  expectError(td_engine_close(engine_.get()), TD_INVALID, "open stages");
  td_sequence* sequence = nullptr;
  expectError(td_sequence_open(stage, 0, &sequence), TD_INVALID, "max_positions");
  expectError(td_sequence_open(stage, 97, &sequence), TD_INVALID, "max_positions");
  expectError(td_sequence_open(stage, 1, nullptr), TD_INVALID, "out");
  expectError(td_sequence_open(nullptr, 1, &sequence), TD_INVALID, "stage");
  TANDEM_OK(td_sequence_open(stage, 96, &sequence));
  expectError(td_stage_close(stage), TD_INVALID, "open sequences");
  TANDEM_OK(td_sequence_close(sequence));
  expectError(td_sequence_close(sequence), TD_INVALID, "sequence is not open");
  EXPECT_EQ(td_sequence_length(sequence), -1);
  TANDEM_OK(td_stage_close(stage));
  expectError(td_stage_close(stage), TD_INVALID, "stage is not open");
  expectError(td_sequence_open(stage, 1, &sequence), TD_INVALID, "stage is not open");
}

TEST_F(StageErrorsTest, References) {
  td_stage_options o = llama_.options(0, 3, true);
  const auto n = static_cast<int32_t>(llama_.tensors.size());
  const td_tensor* tensors = llama_.tensors.data();
  td_stage* stage = nullptr;
  const auto open = [&](int32_t switches) {
    return td_reference_open(engine_.get(), &o, tensors, n, switches, &stage);
  };
  for (const int32_t unknown : {-1, 32, std::numeric_limits<int32_t>::min()}) {
    expectError(open(unknown), TD_INVALID, "switches: expected td_reference_switch bits");
  }
  for (const int32_t current : {TD_REFERENCE_CURRENT_LINEAR, TD_REFERENCE_CURRENT_ACTIVATION,
                                TD_REFERENCE_CURRENT_RESIDUAL}) {
    expectError(open(current | TD_REFERENCE_SGEMM), TD_INVALID, "without TD_REFERENCE_KV_CACHE");
  }
  expectError(td_reference_open(nullptr, &o, tensors, n, 0, &stage), TD_INVALID, "engine is NULL");
  expectError(td_reference_open(engine_.get(), nullptr, tensors, n, 0, &stage), TD_INVALID,
              "options");
  expectError(td_reference_open(engine_.get(), &o, nullptr, n, 0, &stage), TD_INVALID, "tensors");
  expectError(td_reference_open(engine_.get(), &o, tensors, -1, 0, &stage), TD_INVALID,
              "n_tensors");
  expectError(td_reference_open(engine_.get(), &o, tensors, n, 0, nullptr), TD_INVALID, "out");
  expectError(td_reference_open(engine_.get(), &o, tensors, n - 1, 0, &stage), TD_INVALID,
              "missing");
  EXPECT_EQ(stage, nullptr);
  o.config.n_heads = 0;
  expectError(open(0), TD_INVALID, "n_heads");
}

}  // namespace
}  // namespace tandem
