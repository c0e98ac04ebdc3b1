#include "api/options.h"

#include <sstream>
#include <string>

#include "core/error.h"
#include "model/tensors.h"

namespace tandem {
namespace {

constexpr int64_t kMaxLayers = int64_t{1} << 16;
// Bounds the scratch memory of a prompt chunk.
constexpr int64_t kMaxChunkRows = int64_t{1} << 16;

int64_t inRange(const char* field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    std::ostringstream message;
    message << field << ": expected " << low << " to " << high << ", got " << value;
    throw Error(ErrorKind::kInvalid, message.str());
  }
  return value;
}

bool flag(const char* field, int32_t value) { return inRange(field, value, 0, 1) == 1; }

void require(bool ok, const std::string& message) {
  if (!ok) throw Error(ErrorKind::kInvalid, message);
}

Norm checkedNorm(int32_t norm) {
  return inRange("norm", norm, TD_NORM_LAYER, TD_NORM_RMS) == TD_NORM_LAYER ? Norm::kLayer
                                                                            : Norm::kRms;
}

ActivationKind checkedActivation(int32_t activation) {
  switch (inRange("activation", activation, TD_GELU_TANH, TD_SILU)) {
    case TD_GELU_TANH:
      return ActivationKind::kGeluTanh;
    case TD_GELU_ERF:
      return ActivationKind::kGeluErf;
    default:
      return ActivationKind::kSilu;
  }
}

Rope checkedRope(int32_t rope) {
  switch (inRange("rope", rope, TD_ROPE_NONE, TD_ROPE_HALVES)) {
    case TD_ROPE_NONE:
      return Rope::kNone;
    case TD_ROPE_INTERLEAVED:
      return Rope::kInterleaved;
    default:
      return Rope::kHalves;
  }
}

KvType checkedKvType(int32_t dtype) {
  switch (dtype) {
    case TD_F32:
      return KvType::kF32;
    case TD_F16:
      return KvType::kF16;
    case TD_Q8_0:
      return KvType::kQ8;
    default:
      throw Error(ErrorKind::kUnsupported,
                  "kv_dtype: expected TD_F32, TD_F16 or TD_Q8_0, got " + std::to_string(dtype));
  }
}

Config checkedConfig(const td_config& c) {
  Config config{};
  config.nLayers = inRange("n_layers", c.n_layers, 1, kMaxLayers);
  config.nHeads = inRange("n_heads", c.n_heads, 1, kMaxDim);
  config.nKvHeads = inRange("n_kv_heads", c.n_kv_heads, 1, config.nHeads);
  config.headDim = inRange("head_dim", c.head_dim, 1, kMaxDim);
  config.dModel = inRange("d_model", c.d_model, 1, kMaxDim);
  config.dFf = inRange("d_ff", c.d_ff, 1, kMaxDim);
  config.vocabSize = inRange("vocab_size", c.vocab_size, 1, kMaxDim);
  config.maxSeq = inRange("max_seq", c.max_seq, 1, kMaxDim);
  config.norm = checkedNorm(c.norm);
  config.normEps = c.norm_eps;
  config.activation = checkedActivation(c.activation);
  config.gated = flag("gated", c.gated);
  config.rope = checkedRope(c.rope);

  require(config.nHeads % config.nKvHeads == 0,
          "n_heads: expected a multiple of n_kv_heads = " + std::to_string(c.n_kv_heads) +
              ", got " + std::to_string(c.n_heads));
  require(config.rope == Rope::kNone || config.headDim % 2 == 0,
          "head_dim: expected an even number because of rope, got " + std::to_string(c.head_dim));
  require(c.norm_eps > 0.0f && c.norm_eps < 1.0f,  // also rejects NaN
          "norm_eps: expected above 0 and below 1, got " + std::to_string(c.norm_eps));
  inRange("n_heads * head_dim", config.qSize(), 1, kMaxDim);
  return config;
}

// The core's enumerations have the numbers of the interface.
template <class Ours, class Theirs>
constexpr bool same(Ours ours, Theirs theirs) {
  return static_cast<int32_t>(ours) == static_cast<int32_t>(theirs);
}
static_assert(same(DType::kF32, TD_F32));
static_assert(same(DType::kF16, TD_F16));
static_assert(same(DType::kBf16, TD_BF16));
static_assert(same(DType::kQ40, TD_Q4_0));
static_assert(same(DType::kQ41, TD_Q4_1));
static_assert(same(DType::kQ50, TD_Q5_0));
static_assert(same(DType::kQ51, TD_Q5_1));
static_assert(same(DType::kQ80, TD_Q8_0));
static_assert(same(DType::kQ4K, TD_Q4_K));
static_assert(same(DType::kQ5K, TD_Q5_K));
static_assert(same(DType::kQ6K, TD_Q6_K));
static_assert(same(DType::kIq4Nl, TD_IQ4_NL));
static_assert(same(Role::kAttnNorm, TD_ATTN_NORM));
static_assert(same(Role::kAttnNormBias, TD_ATTN_NORM_BIAS));
static_assert(same(Role::kWqkv, TD_WQKV));
static_assert(same(Role::kBqkv, TD_BQKV));
static_assert(same(Role::kWq, TD_WQ));
static_assert(same(Role::kWk, TD_WK));
static_assert(same(Role::kWv, TD_WV));
static_assert(same(Role::kBq, TD_BQ));
static_assert(same(Role::kBk, TD_BK));
static_assert(same(Role::kBv, TD_BV));
static_assert(same(Role::kWo, TD_WO));
static_assert(same(Role::kBo, TD_BO));
static_assert(same(Role::kFfnNorm, TD_FFN_NORM));
static_assert(same(Role::kFfnNormBias, TD_FFN_NORM_BIAS));
static_assert(same(Role::kWGate, TD_WGATE));
static_assert(same(Role::kWUp, TD_WUP));
static_assert(same(Role::kBUp, TD_BUP));
static_assert(same(Role::kWDown, TD_WDOWN));
static_assert(same(Role::kBDown, TD_BDOWN));
static_assert(same(Role::kOutputNorm, TD_OUTPUT_NORM));
static_assert(same(Role::kOutputNormBias, TD_OUTPUT_NORM_BIAS));
static_assert(same(Role::kLmHead, TD_LM_HEAD));

Tensor tensorOf(const td_tensor& t) {
  if (t.role < 0 || t.role >= kRoles) {
    throw Error(ErrorKind::kInvalid, "tensor: unknown role " + std::to_string(t.role));
  }
  const auto role = static_cast<Role>(t.role);
  const auto fail = [&](const std::string& problem) {
    throw Error(ErrorKind::kInvalid, describe(role, t.layer) + ": " + problem);
  };
  const std::optional<DType> dtype = dtypeOf(t.dtype);
  if (!dtype.has_value()) fail("unknown dtype " + std::to_string(t.dtype));
  if (t.transposed != 0 && t.transposed != 1) {
    fail("transposed: expected 0 or 1, got " + std::to_string(t.transposed));
  }
  return {role, t.layer, *dtype, t.transposed == 1, t.rows, t.cols, t.data, t.data_bytes};
}

}  // namespace

StageSpec checkedSpec(const td_stage_options& o) {
  StageSpec spec{};
  spec.config = checkedConfig(o.config);
  spec.layerBegin = inRange("layer_begin", o.layer_begin, 0, spec.config.nLayers);
  spec.layerEnd = inRange("layer_end", o.layer_end, spec.layerBegin, spec.config.nLayers);
  spec.hasHead = flag("has_head", o.has_head);
  spec.reproducible =
      inRange("mode", o.mode, TD_MODE_FAST, TD_MODE_REPRODUCIBLE) == TD_MODE_REPRODUCIBLE;
  spec.chunkRows = inRange("chunk_rows", o.chunk_rows, 1, kMaxChunkRows);
  inRange("activation_eval", o.activation_eval, TD_EVAL_TABLE, TD_EVAL_FORMULA);
  spec.kvType = checkedKvType(o.kv_dtype);
  require(spec.config.rope == Rope::kNone || (o.rope_cos != nullptr && o.rope_sin != nullptr),
          "rope_cos, rope_sin: expected tables because of rope, got NULL");
  require(o.activation_eval == TD_EVAL_FORMULA || o.activation_table != nullptr,
          "activation_table: expected a table because of TD_EVAL_TABLE, got NULL");
  return spec;
}

TableData tablesOf(const td_stage_options& o) {
  return {o.rope_cos, o.rope_sin,
          o.activation_eval == TD_EVAL_TABLE ? o.activation_table : nullptr};
}

std::optional<DType> dtypeOf(int32_t dtype) {
  if (dtype < TD_F32 || dtype > TD_IQ4_NL) return std::nullopt;
  return static_cast<DType>(dtype);
}

std::vector<Tensor> tensorsOf(const td_tensor* tensors, int64_t nTensors) {
  std::vector<Tensor> result;
  result.reserve(static_cast<size_t>(nTensors));
  for (int64_t i = 0; i < nTensors; ++i) result.push_back(tensorOf(tensors[i]));
  return result;
}

ReferenceSwitches checkedSwitches(int32_t bits) {
  constexpr int32_t kCurrent =
      TD_REFERENCE_CURRENT_LINEAR | TD_REFERENCE_CURRENT_ACTIVATION | TD_REFERENCE_CURRENT_RESIDUAL;
  constexpr int32_t kAll = TD_REFERENCE_SGEMM | TD_REFERENCE_KV_CACHE | kCurrent;
  if ((bits & ~kAll) != 0) {
    throw Error(ErrorKind::kInvalid,
                "switches: expected td_reference_switch bits, got " + std::to_string(bits));
  }
  ReferenceSwitches switches{};
  switches.sgemm = (bits & TD_REFERENCE_SGEMM) != 0;
  switches.kvCache = (bits & TD_REFERENCE_KV_CACHE) != 0;
  switches.currentLinear = (bits & TD_REFERENCE_CURRENT_LINEAR) != 0;
  switches.currentActivation = (bits & TD_REFERENCE_CURRENT_ACTIVATION) != 0;
  switches.currentResidual = (bits & TD_REFERENCE_CURRENT_RESIDUAL) != 0;
  if (!switches.kvCache && (bits & kCurrent) != 0) {
    throw Error(
        ErrorKind::kInvalid,
        "switches: without TD_REFERENCE_KV_CACHE all rows are needed, got " + std::to_string(bits));
  }
  return switches;
}

int32_t matrixTypeBits(const Profile& profile) {
  int32_t bits = 0;
  for (const DType type : profile.matrixTypes) bits |= 1 << static_cast<int32_t>(type);
  return bits;
}

int32_t promptKernelBits(const Profile& profile) {
  return (profile.sgemm ? TD_PROMPT_SGEMM : 0) | (profile.vdpbf16ps ? TD_PROMPT_VDPBF16PS : 0);
}

}  // namespace tandem
