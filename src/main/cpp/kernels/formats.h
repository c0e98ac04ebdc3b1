// The types of a product's x and w in memory, for the loops of matmul_loops.h: X and W are the
// element types, kStep the elements in a vector, which is multiplied in kSlices slices. loadX and
// loadW give one slice, kStep / kSlices elements; loadPartialX and loadPartialW the first n
// elements of a vector, as something that has slice(i). Each x is multiplied by the weights of all
// outputs of a tile, hence loadOnce. Weights of 16 bits become f32 in registers, exactly, so that
// they give the bits of the same values stored as f32. V is an instruction set's Vec16.
#ifndef TANDEM_KERNELS_FORMATS_H_
#define TANDEM_KERNELS_FORMATS_H_

#include <cstdint>

#include "kernels/kernels.h"

namespace tandem {

// x in f32, 16 elements at a time.
template <class V>
struct F32Rows {
  using Vec = V;
  using X = float;
  using Slice = typename V::Slice;
  static constexpr int64_t kStep = kLanes;
  static constexpr int kSlices = V::kSlices;

  static Slice loadX(const float* p) { return Slice::loadOnce(p); }
  static V loadPartialX(const float* p, int64_t n) { return V::loadPartial(p, n); }
  static void multiplyAdd(Slice x, Slice w, V& sum, int i) { sum.addProduct(x, w, i); }
};

template <class V>
struct F32Weights : F32Rows<V> {
  using W = float;
  static auto loadW(const float* p) { return V::Slice::load(p); }
  static V loadPartialW(const float* p, int64_t n) { return V::loadPartial(p, n); }
};

// The first n < 16 elements, the others zero. Each instruction set has its own function, because
// the linker keeps only one of several functions with the same name.
template <class V>
struct FirstHalves {
  uint16_t element[kLanes] = {};
  FirstHalves(const uint16_t* p, int64_t n) {
    for (int64_t i = 0; i < n; ++i) element[i] = p[i];
  }
};

template <class V>
struct F16Weights : F32Rows<V> {
  using W = uint16_t;
  static auto loadW(const uint16_t* p) { return V::Slice::expandF16(p); }
  static V loadPartialW(const uint16_t* p, int64_t n) {
    return V::expandF16(FirstHalves<V>(p, n).element);
  }
};

template <class V>
struct Bf16Weights : F32Rows<V> {
  using W = uint16_t;
  static auto loadW(const uint16_t* p) { return V::Slice::expandBf16(p); }
  static V loadPartialW(const uint16_t* p, int64_t n) {
    return V::expandBf16(FirstHalves<V>(p, n).element);
  }
};

}  // namespace tandem

#endif  // TANDEM_KERNELS_FORMATS_H_
