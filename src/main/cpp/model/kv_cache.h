// The keys and values of one sequence, for the layers of one stage.
#ifndef TANDEM_MODEL_KV_CACHE_H_
#define TANDEM_MODEL_KV_CACHE_H_

#include <cstdint>

#include "core/reserved_memory.h"
#include "core/views.h"
#include "kernels/kernels.h"
#include "model/config.h"

namespace tandem {

// One reserved region: for each layer and KV head first K, then V, each with the layout of
// kernels/kv_layout.h for whole groups of positions. One region per head keeps together what
// attention reads, and memory pages cost memory only where positions are filled.
class KvCache {
 public:
  // spec and kernels must outlive this.
  KvCache(const StageSpec& spec, const KernelTable& kernels, int64_t capacity);
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  int64_t capacity() const { return capacity_; }
  const void* k(int64_t layer, int64_t kvHead) const { return head(layer, kvHead); }
  const void* v(int64_t layer, int64_t kvHead) const { return head(layer, kvHead) + headBytes_; }

  // Writes the rows of one KV head, (nRows, headDim), starting at `position`. layer counts from the
  // stage's first.
  void store(int64_t layer, int64_t kvHead, int64_t position, View2<const float> k,
             View2<const float> v);

  // Copies n positions of one KV head from a cache of the same spec. Both first positions are
  // multiples of kKvGroup.
  void copy(const KvCache& from, int64_t layer, int64_t kvHead, int64_t fromPosition,
            int64_t toPosition, int64_t n);

  // The bytes of `positions` positions, in whole memory pages.
  static int64_t bytes(const StageSpec& spec, int64_t positions);

 private:
  unsigned char* head(int64_t layer, int64_t kvHead) const;

  const StageSpec& spec_;
  const KvKernels& kernels_;
  int64_t capacity_;
  int64_t headBytes_;  // of K, and of V, of one head
  ReservedMemory memory_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_KV_CACHE_H_
