// Arithmetic on sizes that fails instead of overflowing.
#ifndef TANDEM_CORE_SIZES_H_
#define TANDEM_CORE_SIZES_H_

#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

#include "core/error.h"

namespace tandem {

// Product of non-negative sizes; Error(kInvalid) that names `what` when it exceeds 63 bits.
inline int64_t checkedProduct(std::initializer_list<int64_t> factors, const char* what) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    assert(factor >= 0);
    if (factor != 0 && product > std::numeric_limits<int64_t>::max() / factor) {
      throw Error(ErrorKind::kInvalid, std::string(what) + ": size does not fit 63 bits");
    }
    product *= factor;
  }
  return product;
}

inline int64_t checkedSum(int64_t a, int64_t b, const char* what) {
  assert(a >= 0 && b >= 0);
  if (a > std::numeric_limits<int64_t>::max() - b) {
    throw Error(ErrorKind::kInvalid, std::string(what) + ": size does not fit 63 bits");
  }
  return a + b;
}

// Error(kInternal) unless `room` is enough for `needed`. Call it before memory is touched, and
// outside of loops over elements.
inline void requireRoom(int64_t needed, int64_t room, const char* what) {
  if (needed > room) {
    throw Error(ErrorKind::kInternal, std::string(what) + ": room for " + std::to_string(room) +
                                          ", needed for " + std::to_string(needed));
  }
}

constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t multiple) { return ceilDiv(a, multiple) * multiple; }

}  // namespace tandem

#endif  // TANDEM_CORE_SIZES_H_
