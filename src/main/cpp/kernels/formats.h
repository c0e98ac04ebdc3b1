// The types that a product's x and w have in memory, as the loops of matmul_loops.h see them: X and
// W are the element types, kStep the elements in a vector, Operand such a vector in registers.
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
  using Operand = V;
  static constexpr int64_t kStep = kLanes;

  static V loadX(const float* p) { return V::load(p); }
  static V loadPartialX(const float* p, int64_t n) { return V::loadPartial(p, n); }
  static V multiplyAdd(V x, V w, V sum) { return V::fma(x, w, sum); }
};

template <class V>
struct F32Weights : F32Rows<V> {
  using W = float;
  static V loadW(const float* p) { return V::load(p); }
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
  static V loadW(const uint16_t* p) { return V::expandF16(p); }
  static V loadPartialW(const uint16_t* p, int64_t n) {
    return V::expandF16(FirstHalves<V>(p, n).element);
  }
};

template <class V>
struct Bf16Weights : F32Rows<V> {
  using W = uint16_t;
  static V loadW(const uint16_t* p) { return V::expandBf16(p); }
  static V loadPartialW(const uint16_t* p, int64_t n) {
    return V::expandBf16(FirstHalves<V>(p, n).element);
  }
};

}  // namespace tandem

#endif  // TANDEM_KERNELS_FORMATS_H_
