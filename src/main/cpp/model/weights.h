// The weights of a stage, ready for the kernels.
#ifndef TANDEM_MODEL_WEIGHTS_H_
#define TANDEM_MODEL_WEIGHTS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "model/config.h"
#include "model/engine.h"
#include "model/prepare.h"
#include "model/tensors.h"

namespace tandem {

struct Linear {
  WeightType type = WeightType::kF32;
  const void* w = nullptr;      // (nOut, nIn) in that type
  const float* bias = nullptr;  // (nOut) or null
  int64_t nOut = 0;
  int64_t nIn = 0;
};

struct NormWeights {
  const float* gain = nullptr;  // (dModel)
  const float* bias = nullptr;  // (dModel) or null
};

struct LayerWeights {
  NormWeights attnNorm;
  Linear wq;  // (nHeads * headDim, dModel)
  Linear wk;  // (nKvHeads * headDim, dModel)
  Linear wv;  // (nKvHeads * headDim, dModel)
  Linear wo;  // (dModel, nHeads * headDim)
  NormWeights ffnNorm;
  Linear wGate;  // (dFf, dModel), gated models only
  Linear wUp;    // (dFf, dModel)
  Linear wDown;  // (dModel, dFf)
};

// The type in which matrices are computed.
enum class MatrixTypes {
  kAsStored,  // their own type if it has kernels, otherwise f32
  kF32        // f32 for every stored type
};

class Weights {
 public:
  // Matrices that the kernels can read in place stay in place. All others are converted: matrices
  // of 16 bits become row-major, quantised types with kernels are packed into panels, and all other
  // types become f32. The caller holds engine.mutex.
  Weights(const StageSpec& spec, const Tensors& tensors, MatrixTypes types, Engine& engine);

  const std::vector<LayerWeights>& layers() const { return layers_; }
  const NormWeights& outputNorm() const { return outputNorm_; }
  const Linear& lmHead() const { return lmHead_; }  // (vocabSize, dModel)
  int64_t bytes() const { return bytes_; }          // of everything that one step reads
  // Whether the layers have a matrix of that type.
  bool layersHave(WeightType type) const { return layerTypes_[static_cast<size_t>(type)]; }

 private:
  struct Loader;

  std::vector<LayerWeights> layers_;
  NormWeights outputNorm_;
  Linear lmHead_;
  int64_t bytes_ = 0;
  std::array<bool, kWeightTypes> layerTypes_{};
  std::vector<std::shared_ptr<const void>> prepared_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_WEIGHTS_H_
