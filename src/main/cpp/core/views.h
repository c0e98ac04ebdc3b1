// A matrix that the view does not own.
#ifndef TANDEM_CORE_VIEWS_H_
#define TANDEM_CORE_VIEWS_H_

#include <cassert>
#include <cstdint>

namespace tandem {

template <class T>
struct View2 {
  T* data;
  int64_t rows;
  int64_t cols;
  int64_t stride;  // elements from one row to the next

  T* row(int64_t r) const {
    assert(r >= 0 && r < rows);
    return data + r * stride;
  }
  View2 columns(int64_t begin, int64_t count) const {
    assert(begin >= 0 && count >= 0 && begin + count <= cols);
    return {data + begin, rows, count, stride};
  }
  operator View2<const T>() const { return {data, rows, cols, stride}; }
};

}  // namespace tandem

#endif  // TANDEM_CORE_VIEWS_H_
