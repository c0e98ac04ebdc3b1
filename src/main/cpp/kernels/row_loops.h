// Norms, activations, RoPE and conversions over 16 lanes. V is an instruction set's Vec16.
#ifndef TANDEM_KERNELS_ROW_LOOPS_H_
#define TANDEM_KERNELS_ROW_LOOPS_H_

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/unroll.h"
#include "kernels/vec_math.h"

namespace tandem {

// Calls f(i, n) for the vectors at i = 0, 16, 32, ... with n = 16 lanes, fewer in the last one. The
// constant 16 lets the whole vectors be compiled without masks.
template <class F>
inline void eachVector(int64_t size, F f) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) f(i, kLanes);
  if (i < size) f(i, size - i);
}

template <class V>
inline V loadFirst(const float* p, int64_t n) {
  return n == kLanes ? V::load(p) : V::loadPartial(p, n);
}

template <class V>
inline void storeFirst(const V& x, float* p, int64_t n) {
  if (n == kLanes) {
    x.store(p);
  } else {
    x.storePartial(p, n);
  }
}

// y = (x - mean) / sqrt(variance + eps) * gain + bias, mean and variance in two passes.
template <class V>
void layerNorm(float* y, const float* x, const float* gain, const float* bias, int64_t n,
               float eps) {
  V sum = V::zero();
  eachVector(n, [&](int64_t i, int64_t m) { sum = V::add(sum, loadFirst<V>(x + i, m)); });
  const V mean = V::broadcast(sum.sum() / static_cast<float>(n));
  V squares = V::zero();
  eachVector(n, [&](int64_t i, int64_t m) {
    V d = V::sub(loadFirst<V>(x + i, m), mean);
    if (m < kLanes) d = V::select(V::firstLanes(m), d, V::zero());
    squares = V::fma(d, d, squares);
  });
  const float variance = squares.sum() / static_cast<float>(n);
  const V scale = V::broadcast(1.0F / V::sqrtScalar(variance + eps));
  eachVector(n, [&](int64_t i, int64_t m) {
    const V d = V::mul(V::sub(loadFirst<V>(x + i, m), mean), scale);
    const V g = loadFirst<V>(gain + i, m);
    storeFirst(bias == nullptr ? V::mul(d, g) : V::fma(d, g, loadFirst<V>(bias + i, m)), y + i, m);
  });
}

// y = x / sqrt(mean square + eps) * gain.
template <class V>
void rmsNorm(float* y, const float* x, const float* gain, int64_t n, float eps) {
  V squares = V::zero();
  eachVector(n, [&](int64_t i, int64_t m) {
    const V v = loadFirst<V>(x + i, m);
    squares = V::fma(v, v, squares);
  });
  const float meanSquare = squares.sum() / static_cast<float>(n);
  const V scale = V::broadcast(1.0F / V::sqrtScalar(meanSquare + eps));
  eachVector(n, [&](int64_t i, int64_t m) {
    const V v = V::mul(loadFirst<V>(x + i, m), scale);
    storeFirst(V::mul(v, loadFirst<V>(gain + i, m)), y + i, m);
  });
}

// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), written as x / (1 + e^-2u): the same function
// without the cancellation.
template <class V>
inline V geluTanh(V x) {
  const V cubic = V::broadcast(-0.0713548163F);  // -2 sqrt(2 / pi) 0.044715
  const V linear = V::broadcast(-1.59576912F);   // -2 sqrt(2 / pi)
  const V minus2u = V::mul(x, V::fma(V::mul(x, x), cubic, linear));
  return V::div(x, V::add(V::broadcast(1.0F), vexp(minus2u)));
}

// x times the normal distribution function at x.
template <class V>
inline V geluErf(V x) {
  const V tail = V::mul(x, normalTail(V::min(V::broadcast(10.0F), V::abs(x))));
  return V::select(V::less(V::zero(), x), V::sub(x, tail), tail);
}

template <class V>
inline V silu(V x) {
  return V::div(x, V::add(V::broadcast(1.0F), vexp(V::sub(V::zero(), x))));
}

// y = f(x) * up where |x| < limit, otherwise (x or 0) * up. Every lane is computed, then selected.
template <class V, class F>
inline void applyActivation(float* y, const float* x, const float* up, int64_t n, float limit,
                            F f) {
  eachVector(n, [&](int64_t i, int64_t m) {
    const V v = loadFirst<V>(x + i, m);
    const V outside = V::select(V::lessEqual(v, V::zero()), V::zero(), v);  // a NaN stays
    V r = V::select(V::less(V::abs(v), V::broadcast(limit)), f(v), outside);
    if (up != nullptr) r = V::mul(r, loadFirst<V>(up + i, m));
    storeFirst(r, y + i, m);
  });
}

template <class V>
void activate(float* y, const float* x, const float* up, int64_t n, ActivationKind kind,
              const uint16_t* table) {
  constexpr float kGeluLimit = 10.0F;
  if (table != nullptr) {
    const float limit = kind == ActivationKind::kSilu ? 20.0F : kGeluLimit;
    applyActivation<V>(y, x, up, n, limit, [&](const V& v) { return V::lookUpF16(table, v); });
  } else if (kind == ActivationKind::kGeluTanh) {
    applyActivation<V>(y, x, up, n, kGeluLimit, [](const V& v) { return geluTanh(v); });
  } else if (kind == ActivationKind::kGeluErf) {
    applyActivation<V>(y, x, up, n, kGeluLimit, [](const V& v) { return geluErf(v); });
  } else {
    // Below -87, |x e^x| < 2e-36, and e^-x nears its overflow.
    applyActivation<V>(y, x, up, n, 87.0F, [](const V& v) { return silu(v); });
  }
}

template <class V>
void rope(float* head, const float* cos, const float* sin, int64_t headDim, bool interleaved) {
  const int64_t half = headDim / 2;
  const int64_t step = interleaved ? 2 : 1;
  const int64_t partner = interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    float* p = head + i * step;
    const float a = p[0];
    const float b = p[partner];
    p[0] = V::fmaScalar(a, cos[i], -(b * sin[i]));
    p[partner] = V::fmaScalar(a, sin[i], b * cos[i]);
  }
}

template <class V>
void add(float* x, const float* y, int64_t n) {
  eachVector(n, [&](int64_t i, int64_t m) {
    storeFirst(V::add(loadFirst<V>(x + i, m), loadFirst<V>(y + i, m)), x + i, m);
  });
}

// Converts whole vectors in place, the rest through a padded copy.
template <class V, class F>
inline void expand(float* dst, const uint16_t* src, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(src + i).store(dst + i);
  if (i == n) return;
  uint16_t rest[kLanes] = {};
  for (int64_t j = i; j < n; ++j) rest[j - i] = src[j];
  f(rest).storePartial(dst + i, n - i);
}

template <class V>
void expandF16(float* dst, const uint16_t* src, int64_t n) {
  expand<V>(dst, src, n, [](const uint16_t* p) { return V::expandF16(p); });
}

template <class V>
void expandBf16(float* dst, const uint16_t* src, int64_t n) {
  expand<V>(dst, src, n, [](const uint16_t* p) { return V::expandBf16(p); });
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_ROW_LOOPS_H_
