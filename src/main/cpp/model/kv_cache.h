// The keys and values of one sequence, for the blocks of one stage.
#ifndef TANDEM_MODEL_KV_CACHE_H_
#define TANDEM_MODEL_KV_CACHE_H_

#include <cstdint>

#include "core/reserved_memory.h"
#include "core/views.h"
#include "model/config.h"

namespace tandem {

// One reserved region: for each layer and KV head first K in panels of 16 positions,
// (ceil(capacity / 16), headDim, 16), then V, (capacity rounded up to 16, headDim). A region per
// head keeps what attention reads together, and pages cost memory only where positions are filled.
class KvCache {
 public:
  KvCache(const StageSpec& spec, int64_t capacity);

  int64_t capacity() const { return capacity_; }
  const float* k(int64_t layer, int64_t kvHead) const { return head(layer, kvHead); }
  const float* v(int64_t layer, int64_t kvHead) const { return head(layer, kvHead) + floats_; }

  // Writes the rows of one KV head, (nRows, headDim), at positions from `position` on. layer counts
  // from the stage's first.
  void store(int64_t layer, int64_t kvHead, int64_t position, View2<const float> k,
             View2<const float> v);

  // What `positions` positions take, in whole pages.
  static int64_t bytes(const StageSpec& spec, int64_t positions);

 private:
  float* head(int64_t layer, int64_t kvHead) const;

  int64_t capacity_;
  int64_t headDim_;
  int64_t nKvHeads_;
  int64_t floats_;  // of K, and of V, of one head
  ReservedMemory memory_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_KV_CACHE_H_
