// The arithmetic of the matrix products without their memory: as many independent sums as a
// register tile has, so that what is measured is what the processor could do at most. All sums and
// products differ, because compilers compute equal ones once.
#ifndef TANDEM_KERNELS_PEAK_LOOPS_H_
#define TANDEM_KERNELS_PEAK_LOOPS_H_

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/unroll.h"

namespace tandem {

// N sums that start with different numbers in all lanes.
template <class V, int N>
inline void startDifferently(V (&sums)[N]) {
  float number = 0.0F;
  for (V& sum : sums) {
    float start[kLanes];
    for (float& lane : start) lane = number++;
    sum = V::load(start);
  }
}

// n rounds of products in f32, 16 lanes each; the result only keeps them from being left out.
template <class V>
float f32PeakLoop(int64_t n) {
  constexpr int kSums = V::kMatmulRows * V::matmulOutputs(V::kMatmulRows);
  const V x = V::broadcast(0.5F);
  const V w = V::broadcast(static_cast<float>(n));
  V sums[kSums];
  startDifferently(sums);
  for (int64_t round = 0; round < n; ++round) {
    TANDEM_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = V::fma(x, w, sums[i]);
  }
  float total = 0.0F;
  for (int i = 0; i < kSums; ++i) total += sums[i].sum();
  return total;
}

template <class V>
constexpr PeakLoop f32Peak() {
  return {&f32PeakLoop<V>, int64_t{2} * kLanes * V::kMatmulRows * V::matmulOutputs(V::kMatmulRows)};
}

// The same with whole numbers of 8 bits, four products in each lane.
template <class D>
float q8PeakLoop(int64_t n) {
  constexpr int kRows = D::kPanelRows;
  constexpr int kSums = kRows * D::panelsOf(kRows);
  uint8_t weights[64];
  for (uint8_t& w : weights) w = static_cast<uint8_t>(n);
  int8_t activations[kRows][4];
  typename D::Four x[kRows];
  for (int r = 0; r < kRows; ++r) {
    for (int8_t& q : activations[r]) q = static_cast<int8_t>(n + r);
    x[r] = D::broadcast4(activations[r]);
  }
  typename D::Ints sums[kSums];
  TANDEM_UNROLL
  for (int i = 0; i < kSums; ++i) sums[i] = D::ints(0);
  for (int64_t round = 0; round < n; ++round) {
    // Loaded again, as far as the compiler knows: the products of two constants would be one.
#if defined(__GNUC__)
    asm volatile("" : : "r"(weights) : "memory");
#endif
    const auto w = D::load(weights);
    TANDEM_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = D::addQ8(sums[i], w, x[i % kRows]);
  }
  float total = 0.0F;
  for (int i = 0; i < kSums; ++i) total += D::toFloats(sums[i]).sum();
  return total;
}

template <class D>
constexpr PeakLoop q8Peak() {
  return {&q8PeakLoop<D>, int64_t{2} * 4 * kLanes * D::kPanelRows * D::panelsOf(D::kPanelRows)};
}

// The same with a processor's bf16 products; F is a format, see formats.h.
template <class F>
float dotPeakLoop(int64_t n) {
  constexpr int kRows = F::Vec::kMatmulRows;
  constexpr int kSums = kRows * F::Vec::matmulOutputs(kRows);
  uint16_t elements[F::kStep];
  for (uint16_t& e : elements) e = static_cast<uint16_t>(0x3F80 + (n & 1));  // about 1
  const auto operand = F::loadW(elements);
  typename F::Vec sums[kSums];
  startDifferently(sums);
  for (int64_t round = 0; round < n; ++round) {
    TANDEM_UNROLL
    for (int i = 0; i < kSums; ++i) F::multiplyAdd(operand, operand, sums[i], 0);
  }
  float total = 0.0F;
  for (int i = 0; i < kSums; ++i) total += sums[i].sum();
  return total;
}

template <class F>
constexpr PeakLoop dotPeak() {
  constexpr int kRows = F::Vec::kMatmulRows;
  return {&dotPeakLoop<F>, 2 * F::kStep * kRows * F::Vec::matmulOutputs(kRows)};
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_PEAK_LOOPS_H_
