#include "model/config.h"

#include <sstream>
#include <string>

#include "core/error.h"
#include "core/sizes.h"

namespace tandem {
namespace {

// Far above any model, and low enough that sgemm's 32-bit arguments never overflow.
constexpr int64_t kMaxDim = int64_t{1} << 24;
constexpr int64_t kMaxLayers = int64_t{1} << 16;
// Bounds the scratch memory of a prompt chunk.
constexpr int64_t kMaxChunkRows = int64_t{1} << 16;

int64_t inRange(const char* field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    std::ostringstream message;
    message << field << ": expected " << low << " to " << high << ", got " << value;
    throw Error(TD_INVALID, message.str());
  }
  return value;
}

bool flag(const char* field, int32_t value) { return inRange(field, value, 0, 1) == 1; }

void require(bool ok, const std::string& message) {
  if (!ok) throw Error(TD_INVALID, message);
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
      throw Error(TD_UNSUPPORTED,
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
  require(c.norm_eps > 0.0f && c.norm_eps < 1.0f,  // rejects NaN too
          "norm_eps: expected above 0 and below 1, got " + std::to_string(c.norm_eps));
  inRange("n_heads * head_dim", config.qSize(), 1, kMaxDim);
  return config;
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

}  // namespace tandem
