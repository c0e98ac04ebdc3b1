// The tensors of a stage, checked against its config.
#ifndef TANDEM_MODEL_TENSORS_H_
#define TANDEM_MODEL_TENSORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/tensor.h"

namespace tandem {

// "tensor wq of layer 3"; without a layer for kHeadLayer.
std::string describe(Role role, int64_t layer);

class Tensors {
 public:
  // Error(kInvalid) with role, layer, expected and actual value, unless the tensors are exactly
  // those that the stage needs, each once, with the right shape, type and number of bytes. The
  // tensors must outlive this.
  Tensors(const StageSpec& spec, const std::vector<Tensor>& tensors);

  // Null if an optional tensor is absent.
  const Tensor* find(Role role, int64_t layer) const;

 private:
  size_t slot(Role role, int64_t layer) const;
  void add(const StageSpec& spec, const Tensor& tensor);
  void checkLayerTensors(const StageSpec& spec, int64_t layer) const;
  void checkHead(const StageSpec& spec) const;

  int64_t layerBegin_;
  std::vector<const Tensor*> slots_;  // (1 + nLayers of the stage, kRoles); the head first
};

}  // namespace tandem

#endif  // TANDEM_MODEL_TENSORS_H_
