#include "model/tensors.h"

#include <array>
#include <sstream>
#include <string>

#include "core/error.h"
#include "core/sizes.h"
#include "model/blocks.h"

namespace tandem {
namespace {

constexpr std::array<const char*, kRoles> kRoleNames = {
    "attnNorm", "attnNormBias", "wqkv", "bqkv",  "wq",    "wk",         "wv",
    "bq",       "bk",           "bv",   "wo",    "bo",    "ffnNorm",    "ffnNormBias",
    "wGate",    "wUp",          "bUp",  "wDown", "bDown", "outputNorm", "outputNormBias",
    "lmHead"};

[[noreturn]] void fail(Role role, int64_t layer, const std::string& problem) {
  throw Error(ErrorKind::kInvalid, describe(role, layer) + ": " + problem);
}

struct Shape {
  int64_t rows, cols;
};

std::string text(const Shape& s) {
  return "[" + std::to_string(s.rows) + ", " + std::to_string(s.cols) + "]";
}

Shape expectedShape(const Config& c, Role role) {
  switch (role) {
    case Role::kWqkv:
      return {c.qSize() + 2 * c.kvSize(), c.dModel};
    case Role::kBqkv:
      return {1, c.qSize() + 2 * c.kvSize()};
    case Role::kWq:
      return {c.qSize(), c.dModel};
    case Role::kBq:
      return {1, c.qSize()};
    case Role::kWk:
    case Role::kWv:
      return {c.kvSize(), c.dModel};
    case Role::kBk:
    case Role::kBv:
      return {1, c.kvSize()};
    case Role::kWo:
      return {c.dModel, c.qSize()};
    case Role::kWGate:
    case Role::kWUp:
      return {c.dFf, c.dModel};
    case Role::kBUp:
      return {1, c.dFf};
    case Role::kWDown:
      return {c.dModel, c.dFf};
    case Role::kLmHead:
      return {c.vocabSize, c.dModel};
    default:  // norms and the biases of wo and wDown
      return {1, c.dModel};
  }
}

bool belongsToHead(Role role) { return role >= Role::kOutputNorm; }

BlockShape checkedBlocks(Role role, const Tensor& t) {
  const BlockShape blocks = blockShape(t.dtype);
  if (t.cols % blocks.elements != 0) {
    fail(role, t.layer,
         "cols: expected a multiple of " + std::to_string(blocks.elements) +
             " for its dtype, got " + std::to_string(t.cols));
  }
  if (blocks.elements > 1 && t.transposed) {
    fail(role, t.layer, "transposed: expected 0 for a quantised dtype, got 1");
  }
  return blocks;
}

void checkLayer(const StageSpec& spec, Role role, int64_t layer) {
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

void checkData(const Config& config, Role role, const Tensor& t) {
  const Shape expected = expectedShape(config, role);
  if (t.rows != expected.rows || t.cols != expected.cols) {
    fail(role, t.layer, "expected shape " + text(expected) + ", got " + text({t.rows, t.cols}));
  }
  const BlockShape blocks = checkedBlocks(role, t);
  const int64_t bytes = checkedProduct({t.rows, t.cols / blocks.elements, blocks.bytes}, "tensor");
  if (t.dataBytes != bytes) {
    fail(
        role, t.layer,
        "expected " + std::to_string(bytes) + " bytes of data, got " + std::to_string(t.dataBytes));
  }
  if (t.data == nullptr) fail(role, t.layer, "its data is NULL");
}

}  // namespace

std::string describe(Role role, int64_t layer) {
  std::string text = "tensor ";
  text += kRoleNames[static_cast<size_t>(role)];
  if (layer != kHeadLayer) text += " of layer " + std::to_string(layer);
  return text;
}

Tensors::Tensors(const StageSpec& spec, const std::vector<Tensor>& tensors)
    : layerBegin_(spec.layerBegin),
      slots_(static_cast<size_t>((1 + spec.nLayers()) * kRoles), nullptr) {
  for (const Tensor& tensor : tensors) add(spec, tensor);
  for (int64_t layer = spec.layerBegin; layer < spec.layerEnd; ++layer)
    checkLayerTensors(spec, layer);
  if (spec.hasHead) checkHead(spec);
}

size_t Tensors::slot(Role role, int64_t layer) const {
  const int64_t group = layer == kHeadLayer ? 0 : 1 + layer - layerBegin_;
  return static_cast<size_t>(group * kRoles + static_cast<int64_t>(role));
}

const Tensor* Tensors::find(Role role, int64_t layer) const { return slots_[slot(role, layer)]; }

void Tensors::add(const StageSpec& spec, const Tensor& tensor) {
  checkLayer(spec, tensor.role, tensor.layer);
  checkData(spec.config, tensor.role, tensor);
  const Tensor*& place = slots_[slot(tensor.role, tensor.layer)];
  if (place != nullptr) fail(tensor.role, tensor.layer, "given twice");
  place = &tensor;
}

void Tensors::checkLayerTensors(const StageSpec& spec, int64_t layer) const {
  const auto need = [&](Role role) {
    if (find(role, layer) == nullptr) fail(role, layer, "missing");
  };
  const auto refuse = [&](Role role, const char* reason) {
    if (find(role, layer) != nullptr) fail(role, layer, reason);
  };
  for (const Role role : {Role::kAttnNorm, Role::kWo, Role::kFfnNorm, Role::kWUp, Role::kWDown})
    need(role);
  if (find(Role::kWqkv, layer) != nullptr) {
    for (const Role role : {Role::kWq, Role::kWk, Role::kWv, Role::kBq, Role::kBk, Role::kBv}) {
      refuse(role, "wqkv is given too");
    }
  } else {
    for (const Role role : {Role::kWq, Role::kWk, Role::kWv}) need(role);
    refuse(Role::kBqkv, "given without wqkv");
  }
  if (spec.config.gated) {
    need(Role::kWGate);
  } else {
    refuse(Role::kWGate, "the feed-forward is not gated");
  }
  if (spec.config.norm == Norm::kRms) {
    refuse(Role::kAttnNormBias, "RMSNorm has no bias");
    refuse(Role::kFfnNormBias, "RMSNorm has no bias");
  }
}

void Tensors::checkHead(const StageSpec& spec) const {
  for (const Role role : {Role::kOutputNorm, Role::kLmHead}) {
    if (find(role, kHeadLayer) == nullptr) fail(role, kHeadLayer, "missing");
  }
  if (spec.config.norm == Norm::kRms && find(Role::kOutputNormBias, kHeadLayer) != nullptr) {
    fail(Role::kOutputNormBias, kHeadLayer, "RMSNorm has no bias");
  }
}

}  // namespace tandem
