// The loops of bench/probe_loops.h over 16 lanes. V is an instruction set's Vec16, D its Dots.
//
// Arithmetic loops have as many independent sums as a register tile, so that they measure the limit
// of the processor. All sums differ, and so do products that are separate instructions, because
// compilers compute equal ones only once.
#ifndef TANDEM_BENCH_PEAK_LOOPS_H_
#define TANDEM_BENCH_PEAK_LOOPS_H_

#include <cstdint>

#include "bench/probe_loops.h"
#include "kernels/kernels.h"
#include "kernels/row_loops.h"
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

// n rounds of products in f32, 16 lanes each.
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

// The operands of a tile of panels. The four products of a lane add up to zero, so that no sum
// overflows: every second activation has the opposite sign.
template <class D, int P>
inline void panelOperands(int64_t n, uint8_t (&weights)[P][4 * kLanes],
                          typename D::Four (&x)[D::kPanelRows]) {
  for (int p = 0; p < P; ++p) {
    for (uint8_t& w : weights[p]) w = static_cast<uint8_t>(0x9B - p);
  }
  for (int r = 0; r < D::kPanelRows; ++r) {
    const auto q = static_cast<int8_t>(n % 64 + r);
    const auto minus = static_cast<int8_t>(-q);
    const int8_t four[4] = {q, minus, q, minus};
    x[r] = D::broadcast4(four);
  }
}

// Tells the compiler that the weights change each time; otherwise it would reuse the products.
template <class D>
inline typename D::Bytes loadEachTime(const uint8_t (&weights)[4 * kLanes]) {
#if defined(__GNUC__)
  asm volatile("" : : "r"(weights) : "memory");
#endif
  return D::load(weights);
}

template <class D, int N>
inline void startInts(typename D::Ints (&sums)[N]) {
  TANDEM_UNROLL
  for (int i = 0; i < N; ++i) sums[i] = D::ints(i);
}

template <class D, int N>
inline float totalOf(const typename D::Ints (&sums)[N]) {
  float total = 0.0F;
  TANDEM_UNROLL
  for (int i = 0; i < N; ++i) total += D::toFloats(sums[i]).sum();
  return total;
}

// The same with whole numbers of 8 bits, four products in each lane.
template <class D>
float q8PeakLoop(int64_t n) {
  constexpr int kRows = D::kPanelRows;
  constexpr int kPanels = D::panelsOf(kRows);
  constexpr int kSums = kRows * kPanels;
  uint8_t weights[kPanels][4 * kLanes];
  typename D::Four x[kRows];
  panelOperands<D, kPanels>(n, weights, x);
  typename D::Ints sums[kSums];
  startInts<D, kSums>(sums);
  for (int64_t round = 0; round < n; ++round) {
    TANDEM_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      const auto w = loadEachTime<D>(weights[p]);
      TANDEM_UNROLL
      for (int r = 0; r < kRows; ++r) {
        sums[r * kPanels + p] = D::addQ8(sums[r * kPanels + p], w, x[r]);
      }
    }
  }
  return totalOf<D, kSums>(sums);
}

template <class D>
constexpr PeakLoop q8Peak() {
  return {&q8PeakLoop<D>, int64_t{2} * 4 * kLanes * D::kPanelRows * D::panelsOf(D::kPanelRows)};
}

// The same with weights of four bits, a block of 32 products in each lane.
template <class D>
float q4PeakLoop(int64_t n) {
  constexpr int kRows = D::kPanelRows;
  constexpr int kPanels = D::panelsOf(kRows);
  constexpr int kSums = kRows * kPanels;
  uint8_t weights[kPanels][4 * kLanes];
  typename D::Four x[kRows];
  panelOperands<D, kPanels>(n, weights, x);
  typename D::Ints sums[kSums];
  startInts<D, kSums>(sums);
  for (int64_t round = 0; round < n; ++round) {
    typename D::Small small[kSums];
    TANDEM_UNROLL
    for (int i = 0; i < kSums; ++i) small[i] = D::small(sums[i]);
    TANDEM_UNROLL
    for (int i = 0; i < 4 * kPanels; ++i) {
      const int p = i % kPanels;
      const auto pairs = loadEachTime<D>(weights[p]);
      const auto low = D::lowNibbles(pairs);
      const auto high = D::highNibbles(pairs);
      TANDEM_UNROLL
      for (int r = 0; r < kRows; ++r) {
        auto& sum = small[r * kPanels + p];
        sum = D::addSmall(D::addSmall(sum, low, x[r]), high, x[r]);
      }
    }
    TANDEM_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = D::ints(small[i]);
  }
  return totalOf<D, kSums>(sums);
}

template <class D>
constexpr PeakLoop q4Peak() {
  return {&q4PeakLoop<D>, int64_t{2} * 32 * kLanes * D::kPanelRows * D::panelsOf(D::kPanelRows)};
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

// Four streams, each prefetched: the pattern in which the matrix products read their weights.
template <class V>
float readSum(const float* x, int64_t n) {
  constexpr int kStreams = 4;
  constexpr int64_t kStep = 4 * kLanes;
  // In bytes. Plain reads need no more than 1024.
  constexpr int64_t kAhead = V::kPrefetchBytes < 1024 ? V::kPrefetchBytes : 1024;
  const int64_t part = n / kStreams / kStep * kStep;
  V sum[kStreams];
  TANDEM_UNROLL
  for (int s = 0; s < kStreams; ++s) sum[s] = V::zero();
  for (int64_t i = 0; i < part; i += kStep) {
    TANDEM_UNROLL
    for (int64_t j = i; j < i + kStep; j += kLanes) {
      TANDEM_UNROLL
      for (int s = 0; s < kStreams; ++s) {
        V::prefetch(x + s * part + j, kAhead);
        sum[s] = V::add(sum[s], V::load(x + s * part + j));
      }
    }
  }
  const float* rest = x + kStreams * part;
  V total = V::zero();
  eachVector(n - kStreams * part,
             [&](int64_t i, int64_t m) { total = V::add(total, loadFirst<V>(rest + i, m)); });
  TANDEM_UNROLL
  for (int s = 0; s < kStreams; ++s) total = V::add(total, sum[s]);
  return total.sum();
}

template <class V, class D>
constexpr ProbeLoops makeProbeLoops() {
  ProbeLoops loops{};
  loops.f32 = f32Peak<V>();
  loops.q8 = q8Peak<D>();
  loops.q4 = q4Peak<D>();
  loops.readSum = &readSum<V>;
  return loops;
}

}  // namespace tandem

#endif  // TANDEM_BENCH_PEAK_LOOPS_H_
