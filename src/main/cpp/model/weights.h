// The weights of a stage, ready for the kernels.
#ifndef TANDEM_MODEL_WEIGHTS_H_
#define TANDEM_MODEL_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/float_buffer.h"
#include "core/thread_pool.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/expanded_tensors.h"
#include "model/tensors.h"

namespace tandem {

struct Linear {
  const float* w = nullptr;     // (nOut, nIn)
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

class Weights {
 public:
  // Matrices that the kernels can read as they are stay where they are; the rest is expanded.
  Weights(const StageSpec& spec, const Tensors& tensors, ThreadPool& pool,
          const KernelTable& kernels, ExpandedTensors& expanded);

  const std::vector<BlockWeights>& blocks() const { return blocks_; }
  const NormWeights& outputNorm() const { return outputNorm_; }
  const Linear& lmHead() const { return lmHead_; }  // (vocabSize, dModel)
  int64_t bytes() const { return bytes_; }          // of all f32 that one step reads

 private:
  struct Loader;

  std::vector<BlockWeights> blocks_;
  NormWeights outputNorm_;
  Linear lmHead_;
  int64_t bytes_ = 0;
  std::vector<std::shared_ptr<const FloatBuffer>> expanded_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_WEIGHTS_H_
