// What a model and a stage of it are, validated.
#ifndef TANDEM_MODEL_CONFIG_H_
#define TANDEM_MODEL_CONFIG_H_

#include <cstdint>

#include "api/tandem.h"
#include "kernels/kernels.h"

namespace tandem {

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
  int64_t queryGroup() const { return nHeads / nKvHeads; }  // query heads that share a KV head
};

// Blocks [layerBegin, layerEnd) and, perhaps, the head of a model.
struct StageSpec {
  Config config;
  int64_t layerBegin, layerEnd;
  bool hasHead;
  bool reproducible;  // else prompt chunks use sgemm
  int64_t chunkRows;  // C
  KvType kvType;
  bool f32Only;  // matrices of all types are expanded to f32

  int64_t nLayers() const { return layerEnd - layerBegin; }
};

// Error(TD_INVALID or TD_UNSUPPORTED) that names the field, what was expected and what came.
StageSpec checkedSpec(const td_stage_options& options);

}  // namespace tandem

#endif  // TANDEM_MODEL_CONFIG_H_
