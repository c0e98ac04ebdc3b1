// The arithmetic of the matrix products without their memory: as many independent sums as a
// register tile has, so that what is measured is what the processor could do at most. All sums
// differ, and so do products that are instructions of their own: compilers compute equal ones once.
#ifndef TANDEM_KERNELS_PEAK_LOOPS_H_
#define TANDEM_KERNELS_PEAK_LOOPS_H_

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/unroll.h"

namespace tandem {

// N sums that start with different numbers in all lanes.
template <class V, int N>
inline void startDifferently(V (&sums)[N]) {
  float starts[N * kLanes];
  for (int i = 0; i < N * kLanes; ++i) starts[i] = static_cast<float>(i);
  TANDEM_UNROLL
  for (int i = 0; i < N; ++i) sums[i] = V::load(starts + i * kLanes);
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
  TANDEM_UNROLL
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
  constexpr int kPanels = D::panelsOf(kRows);
  uint8_t weights[kPanels][4 * kLanes];
  for (int p = 0; p < kPanels; ++p) {  // above and below zero in turn, so that no sum overflows
    for (int i = 0; i < 4 * kLanes; ++i) {
      weights[p][i] = static_cast<uint8_t>(i % 2 == 0 ? 129 + p : 127 - p);
    }
  }
  typename D::Four x[kRows];
  for (int r = 0; r < kRows; ++r) {
    const auto q = static_cast<int8_t>(n % 64 + r);
    const int8_t four[4] = {q, q, q, q};
    x[r] = D::broadcast4(four);
  }
  typename D::Ints sums[kRows * kPanels];
  TANDEM_UNROLL
  for (int i = 0; i < kRows * kPanels; ++i) sums[i] = D::ints(i);
  for (int64_t round = 0; round < n; ++round) {
    // Loaded again, as far as the compiler knows: else it would keep the products.
#if defined(__GNUC__)
    asm volatile("" : : "r"(weights) : "memory");
#endif
    TANDEM_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      const auto w = D::load(weights[p]);
      TANDEM_UNROLL
      for (int r = 0; r < kRows; ++r) {
        sums[r * kPanels + p] = D::addQ8(sums[r * kPanels + p], w, x[r]);
      }
    }
  }
  float total = 0.0F;
  TANDEM_UNROLL
  for (int i = 0; i < kRows * kPanels; ++i) total += D::toFloats(sums[i]).sum();
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
  static_assert(F::kSlices == 1);
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
  TANDEM_UNROLL
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
