// The tensors handed to a stage, checked against its config.
#ifndef TANDEM_MODEL_TENSORS_H_
#define TANDEM_MODEL_TENSORS_H_

#include <cstdint>
#include <vector>

#include "api/tandem.h"
#include "model/config.h"

namespace tandem {

class Tensors {
 public:
  // Error(TD_INVALID) with role, layer, expected and got unless the tensors are exactly those that
  // the stage needs, each once, with the right shape, type and number of bytes.
  Tensors(const StageSpec& spec, const td_tensor* tensors, int64_t nTensors);

  // Null where an optional tensor is absent. layer is -1 for the head.
  const td_tensor* find(td_role role, int64_t layer) const;

 private:
  const td_tensor*& slot(td_role role, int64_t layer);
  void add(const StageSpec& spec, const td_tensor& tensor);
  void checkBlock(const StageSpec& spec, int64_t layer) const;
  void checkHead(const StageSpec& spec) const;

  int64_t layerBegin_;
  std::vector<const td_tensor*> slots_;  // (1 + nLayers of the stage, kRoles); the head first
};

}  // namespace tandem

#endif  // TANDEM_MODEL_TENSORS_H_
