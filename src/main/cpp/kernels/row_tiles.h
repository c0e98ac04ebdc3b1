// Splits rows into register tiles.
#ifndef TANDEM_KERNELS_ROW_TILES_H_
#define TANDEM_KERNELS_ROW_TILES_H_

#include <cstdint>
#include <type_traits>

#include "kernels/unroll.h"

namespace tandem {

// body(tile, row) with the constant `tile` equal to n, which is from 1 to Max.
template <int Max, class Body>
TANDEM_INLINE void withRowCount(int64_t n, int64_t row, const Body& body) {
  if constexpr (Max > 1) {
    if (n < Max) {
      withRowCount<Max - 1>(n, row, body);
      return;
    }
  }
  body(std::integral_constant<int, Max>{}, row);
}

// body(tile, row) for tiles of at most Max rows that cover nRows rows in order, with as few tiles
// as possible and all of nearly the same size, because a small last tile costs almost as much as a
// full one.
template <int Max, class Body>
TANDEM_INLINE void forEachRowTile(int64_t nRows, const Body& body) {
  const int64_t nTiles = (nRows + Max - 1) / Max;
  for (int64_t i = 0, row = 0; i < nTiles; ++i) {
    const int64_t n = (nRows - row + nTiles - i - 1) / (nTiles - i);
    withRowCount<Max>(n, row, body);
    row += n;
  }
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_ROW_TILES_H_
