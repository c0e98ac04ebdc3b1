#include "model/tensors.h"

#include <array>
#include <sstream>
#include <string>

#include "core/error.h"
#include "core/sizes.h"
#include "model/blocks.h"

namespace tandem {
namespace {

constexpr int64_t kRoles = TD_LM_HEAD + 1;
constexpr int64_t kHeadLayer = -1;

constexpr std::array<const char*, kRoles> kRoleNames = {
    "attnNorm", "attnNormBias", "wqkv", "bqkv",  "wq",    "wk",         "wv",
    "bq",       "bk",           "bv",   "wo",    "bo",    "ffnNorm",    "ffnNormBias",
    "wGate",    "wUp",          "bUp",  "wDown", "bDown", "outputNorm", "outputNormBias",
    "lmHead"};

std::string describe(td_role role, int64_t layer) {
  std::string text = "tensor ";
  text += kRoleNames[static_cast<size_t>(role)];
  if (layer != kHeadLayer) text += " of layer " + std::to_string(layer);
  return text;
}

[[noreturn]] void fail(td_role role, int64_t layer, const std::string& problem) {
  throw Error(TD_INVALID, describe(role, layer) + ": " + problem);
}

struct Shape {
  int64_t rows, cols;
};

std::string text(const Shape& s) {
  return "[" + std::to_string(s.rows) + ", " + std::to_string(s.cols) + "]";
}

Shape expectedShape(const Config& c, td_role role) {
  switch (role) {
    case TD_WQKV:
      return {c.qSize() + 2 * c.kvSize(), c.dModel};
    case TD_BQKV:
      return {1, c.qSize() + 2 * c.kvSize()};
    case TD_WQ:
      return {c.qSize(), c.dModel};
    case TD_BQ:
      return {1, c.qSize()};
    case TD_WK:
    case TD_WV:
      return {c.kvSize(), c.dModel};
    case TD_BK:
    case TD_BV:
      return {1, c.kvSize()};
    case TD_WO:
      return {c.dModel, c.qSize()};
    case TD_WGATE:
    case TD_WUP:
      return {c.dFf, c.dModel};
    case TD_BUP:
      return {1, c.dFf};
    case TD_WDOWN:
      return {c.dModel, c.dFf};
    case TD_LM_HEAD:
      return {c.vocabSize, c.dModel};
    default:  // norms and the biases of wo and wDown
      return {1, c.dModel};
  }
}

bool belongsToHead(td_role role) { return role >= TD_OUTPUT_NORM; }

BlockShape checkedBlocks(td_role role, const td_tensor& t) {
  const BlockShape blocks = blockShape(t.dtype);
  if (blocks.elements == 0) fail(role, t.layer, "unknown dtype " + std::to_string(t.dtype));
  if (t.cols % blocks.elements != 0) {
    fail(role, t.layer,
         "cols: expected a multiple of " + std::to_string(blocks.elements) +
             " for its dtype, got " + std::to_string(t.cols));
  }
  if (blocks.elements > 1 && t.transposed != 0) {
    fail(role, t.layer, "transposed: expected 0 for a quantised dtype, got 1");
  }
  return blocks;
}

void checkLayer(const StageSpec& spec, td_role role, int64_t layer) {
  if (belongsToHead(role)) {
    if (layer != kHeadLayer) fail(role, layer, "expected layer -1");
    if (!spec.hasHead) fail(role, layer, "this stage has no head");
  } else if (layer < spec.layerBegin || layer >= spec.layerEnd) {
    std::ostringstream problem;
    problem << "this stage has the layers from " << spec.layerBegin << " and below "
            << spec.layerEnd << " only";
    fail(role, layer, problem.str());
  }
}

void checkData(const Config& config, td_role role, const td_tensor& t) {
  const Shape expected = expectedShape(config, role);
  if (t.rows != expected.rows || t.cols != expected.cols) {
    fail(role, t.layer, "expected shape " + text(expected) + ", got " + text({t.rows, t.cols}));
  }
  if (t.transposed != 0 && t.transposed != 1) {
    fail(role, t.layer, "transposed: expected 0 or 1, got " + std::to_string(t.transposed));
  }
  const BlockShape blocks = checkedBlocks(role, t);
  const int64_t bytes = checkedProduct({t.rows, t.cols / blocks.elements, blocks.bytes}, "tensor");
  if (t.data_bytes != bytes) {
    fail(role, t.layer,
         "expected " + std::to_string(bytes) + " bytes of data, got " +
             std::to_string(t.data_bytes));
  }
  if (t.data == nullptr) fail(role, t.layer, "its data is NULL");
}

}  // namespace

Tensors::Tensors(const StageSpec& spec, const td_tensor* tensors, int64_t nTensors)
    : layerBegin_(spec.layerBegin),
      slots_(static_cast<size_t>((1 + spec.nLayers()) * kRoles), nullptr) {
  for (int64_t i = 0; i < nTensors; ++i) add(spec, tensors[i]);
  for (int64_t layer = spec.layerBegin; layer < spec.layerEnd; ++layer) checkBlock(spec, layer);
  if (spec.hasHead) checkHead(spec);
}

const td_tensor*& Tensors::slot(td_role role, int64_t layer) {
  const int64_t group = layer == kHeadLayer ? 0 : 1 + layer - layerBegin_;
  return slots_[static_cast<size_t>(group * kRoles + role)];
}

const td_tensor* Tensors::find(td_role role, int64_t layer) const {
  return const_cast<Tensors*>(this)->slot(role, layer);
}

void Tensors::add(const StageSpec& spec, const td_tensor& tensor) {
  if (tensor.role < 0 || tensor.role >= kRoles) {
    throw Error(TD_INVALID, "tensor: unknown role " + std::to_string(tensor.role));
  }
  const auto role = static_cast<td_role>(tensor.role);
  checkLayer(spec, role, tensor.layer);
  checkData(spec.config, role, tensor);
  const td_tensor*& place = slot(role, tensor.layer);
  if (place != nullptr) fail(role, tensor.layer, "given twice");
  place = &tensor;
}

void Tensors::checkBlock(const StageSpec& spec, int64_t layer) const {
  const auto need = [&](td_role role) {
    if (find(role, layer) == nullptr) fail(role, layer, "missing");
  };
  const auto refuse = [&](td_role role, const char* reason) {
    if (find(role, layer) != nullptr) fail(role, layer, reason);
  };
  for (const td_role role : {TD_ATTN_NORM, TD_WO, TD_FFN_NORM, TD_WUP, TD_WDOWN}) need(role);
  if (find(TD_WQKV, layer) != nullptr) {
    for (const td_role role : {TD_WQ, TD_WK, TD_WV, TD_BQ, TD_BK, TD_BV}) {
      refuse(role, "wqkv is given too");
    }
  } else {
    for (const td_role role : {TD_WQ, TD_WK, TD_WV}) need(role);
    refuse(TD_BQKV, "given without wqkv");
  }
  if (spec.config.gated) {
    need(TD_WGATE);
  } else {
    refuse(TD_WGATE, "the feed-forward is not gated");
  }
  if (spec.config.norm == Norm::kRms) {
    refuse(TD_ATTN_NORM_BIAS, "RMSNorm has no bias");
    refuse(TD_FFN_NORM_BIAS, "RMSNorm has no bias");
  }
}

void Tensors::checkHead(const StageSpec& spec) const {
  for (const td_role role : {TD_OUTPUT_NORM, TD_LM_HEAD}) {
    if (find(role, kHeadLayer) == nullptr) fail(role, kHeadLayer, "missing");
  }
  if (spec.config.norm == Norm::kRms && find(TD_OUTPUT_NORM_BIAS, kHeadLayer) != nullptr) {
    fail(TD_OUTPUT_NORM_BIAS, kHeadLayer, "RMSNorm has no bias");
  }
}

}  // namespace tandem
