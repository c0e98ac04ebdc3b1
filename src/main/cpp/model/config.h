// The validated configuration of a model and of a stage.
#ifndef TANDEM_MODEL_CONFIG_H_
#define TANDEM_MODEL_CONFIG_H_

#include <cstdint>

#include "kernels/kernels.h"

namespace tandem {

// Far above any model, but low enough that sgemm's 32-bit arguments never overflow.
inline constexpr int64_t kMaxDim = int64_t{1} << 24;

enum class Norm { kLayer, kRms };
enum class Rope { kNone, kInterleaved, kHalves };

struct Config {
  int64_t nLayers, nHeads, nKvHeads, headDim, dModel, dFf, vocabSize, maxSeq;
  Norm norm;
  float normEps;
  ActivationKind activation;
  bool gated;
  Rope rope;

  int64_t qSize() const { return nHeads * headDim; }
  int64_t kvSize() const { return nKvHeads * headDim; }
  // Query heads that share a KV head.
  int64_t headsPerKvHead() const { return nHeads / nKvHeads; }
};

// Layers [layerBegin, layerEnd) of a model, with or without the head.
struct StageSpec {
  Config config;
  int64_t layerBegin, layerEnd;
  bool hasHead;
  bool reproducible;  // otherwise prompt chunks use sgemm
  int64_t chunkRows;  // C
  KvType kvType;

  int64_t nLayers() const { return layerEnd - layerBegin; }
};

}  // namespace tandem

#endif  // TANDEM_MODEL_CONFIG_H_
