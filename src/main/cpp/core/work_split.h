// Splits work that streams through memory.
#ifndef TANDEM_CORE_WORK_SPLIT_H_
#define TANDEM_CORE_WORK_SPLIT_H_

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "core/sizes.h"

namespace tandem {

// Cuts [0, n) into pieces that start large and end small: in each round every thread gets one
// piece, and together these pieces are half of the rest. Large pieces allow hardware prefetches;
// small pieces at the end let all threads finish together. (Pieces of 64 KiB throughout cost 10% of
// the memory bandwidth, measured.)
class WorkSplit {
 public:
  struct Limits {
    int64_t step;      // pieces are multiples of it, except the last
    int64_t smallest;  // a multiple of step
    int64_t largest;   // the same
  };
  struct Piece {
    int64_t begin, end;
  };

  WorkSplit(int64_t n, const Limits& limits, int64_t nThreads)
      : n_(n), limits_(limits), nThreads_(nThreads) {
    assert(limits.smallest % limits.step == 0 && limits.largest % limits.step == 0);
  }

  int64_t count() const {
    int64_t count = 0;
    for (int64_t begin = 0; begin < n_;) {
      const int64_t size = sizeFrom(begin);
      const int64_t pieces = std::min(nThreads_, ceilDiv(n_ - begin, size));
      count += pieces;
      begin += pieces * size;
    }
    return count;
  }

  Piece operator[](int64_t i) const {
    int64_t begin = 0;
    int64_t size = sizeFrom(begin);
    for (; i >= nThreads_; i -= nThreads_) {
      begin += nThreads_ * size;
      size = sizeFrom(begin);
    }
    begin += i * size;
    assert(begin < n_);
    return {begin, std::min(begin + size, n_)};
  }

 private:
  // The size of the pieces in the round that begins at a position.
  int64_t sizeFrom(int64_t begin) const {
    const int64_t half = roundUp((n_ - begin) / (2 * nThreads_), limits_.step);
    return std::clamp(half, limits_.smallest, limits_.largest);
  }

  int64_t n_;
  Limits limits_;
  int64_t nThreads_;
};

}  // namespace tandem

#endif  // TANDEM_CORE_WORK_SPLIT_H_
