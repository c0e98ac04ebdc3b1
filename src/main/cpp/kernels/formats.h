// The types that a product's x and w have in memory, as the loops of matmul_loops.h see them: X and
// W are the element types, kStep the elements in a vector, which is multiplied in kParts parts.
// Weights of 16 bits become f32 in registers, exactly, so that they give the bits of the same
// values stored as f32. V is an instruction set's Vec16.
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
  using Part = typename V::Part;
  static constexpr int64_t kStep = kLanes;
  static constexpr int kParts = V::kParts;

  static Part loadX(const float* p) { return Part::loadOnce(p); }
  static V loadPartialX(const float* p, int64_t n) { return V::loadPartial(p, n); }
  static void multiplyAdd(Part x, Part w, V& sum, int part) { sum.addProduct(x, w, part); }
};

template <class V>
struct F32Weights : F32Rows<V> {
  using W = float;
  static auto loadW(const float* p) { return V::Part::load(p); }
  static V loadPartialW(const float* p, int64_t n) { return V::loadPartial(p, n); }
};

// The first n < 16 elements, the others zero. Each instruction set has its own, as the linker keeps
// one of all functions of a name.
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
  static auto loadW(const uint16_t* p) { return V::Part::expandF16(p); }
  static V loadPartialW(const uint16_t* p, int64_t n) {
    return V::expandF16(FirstHalves<V>(p, n).element);
  }
};

template <class V>
struct Bf16Weights : F32Rows<V> {
  using W = uint16_t;
  static auto loadW(const uint16_t* p) { return V::Part::expandBf16(p); }
  static V loadPartialW(const uint16_t* p, int64_t n) {
    return V::expandBf16(FirstHalves<V>(p, n).element);
  }
};

}  // namespace tandem

#endif  // TANDEM_KERNELS_FORMATS_H_
