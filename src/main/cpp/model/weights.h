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
  const void* w = nullptr;      // (nOut, nIn) of that type
  const float* bias = nullptr;  // (nOut) or null
  int64_t nOut = 0;
  int64_t nIn = 0;
};

struct NormWeights {
  const float* gain = nullptr;  // (dModel)
  const float* bias = nullptr;  // (dModel) or null
};

struct BlockWeights {
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

// What matrices are computed in.
enum class MatrixTypes {
  kAsStored,  // their own type where there are kernels for it, else f32
  kF32        // f32, whatever is stored
};

class Weights {
 public:
  // Matrices that the kernels can read as they are stay where they are. The rest is made what the
  // kernels read: matrices of 16 bits row-major, those quantised types that have kernels in panels,
  // all others f32. The caller holds engine.mutex.
  Weights(const StageSpec& spec, const Tensors& tensors, MatrixTypes types, Engine& engine);

  const std::vector<BlockWeights>& blocks() const { return blocks_; }
  const NormWeights& outputNorm() const { return outputNorm_; }
  const Linear& lmHead() const { return lmHead_; }  // (vocabSize, dModel)
  int64_t bytes() const { return bytes_; }          // of all that one step reads
  // Whether the blocks have a matrix of that type.
  bool blocksHave(WeightType type) const { return blockTypes_[static_cast<size_t>(type)]; }

 private:
  struct Loader;

  std::vector<BlockWeights> blocks_;
  NormWeights outputNorm_;
  Linear lmHead_;
  int64_t bytes_ = 0;
  std::array<bool, kWeightTypes> blockTypes_{};
  std::vector<std::shared_ptr<const void>> prepared_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_WEIGHTS_H_
