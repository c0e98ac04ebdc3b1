// exp and the normal distribution over 16 lanes: fixed sequences of FMAs, the same on every
// instruction set. V is an instruction set's Vec16.
#ifndef TANDEM_KERNELS_VEC_MATH_H_
#define TANDEM_KERNELS_VEC_MATH_H_

namespace tandem {

// e^x, within 1 ulp (subnormal results included). 0 below -104, infinity above 89, NaN for NaN.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts of which the first has few enough bits for
// n * kLn2High to be exact; e^r = 1 + r + r^2 q(r), q minimax (relative error of e^r 2^-27.8).
template <class V>
inline V vexp(V x) {
  constexpr float kLog2E = 0x1.715476p+0F;
  constexpr float kRound = 0x1.8p+23F;  // adding it rounds to a whole number
  constexpr float kLn2High = 0x1.62e400p-1F;
  constexpr float kLn2Low = 0x1.7f7d1cp-20F;
  x = V::min(V::broadcast(89.0F), V::max(V::broadcast(-104.0F), x));
  const V n = V::sub(V::fma(x, V::broadcast(kLog2E), V::broadcast(kRound)), V::broadcast(kRound));
  V r = V::fma(n, V::broadcast(-kLn2High), x);
  r = V::fma(n, V::broadcast(-kLn2Low), r);
  V p = V::broadcast(0x1.6a2318p-10F);
  p = V::fma(p, r, V::broadcast(0x1.123a8ep-7F));
  p = V::fma(p, r, V::broadcast(0x1.5558f6p-5F));
  p = V::fma(p, r, V::broadcast(0x1.555490p-3F));
  p = V::fma(p, r, V::broadcast(0x1.fffffcp-2F));
  p = V::fma(p, r, V::broadcast(1.0F));
  p = V::fma(p, r, V::broadcast(1.0F));
  return V::scaleByPowerOf2(p, n);
}

// The normal distribution's tail, P(N > a) = erfc(a / sqrt 2) / 2, for 0 <= a <= 10; within 4 ulp.
//
// It is e^(-a^2/2) R with R = t P(t), t = 1 / (1 + a/4), P minimax in relative error (2^-26.1).
// Rounding errors that R or the exponential would magnify are corrected to first order: those of t,
// by dR/dt = 4 (1/sqrt(2 pi) - a R) / t^2, and that of a^2.
template <class V>
inline V normalTail(V a) {
  const V one = V::broadcast(1.0F);
  const V quarter = V::broadcast(0.25F);
  const V d = V::fma(a, quarter, one);
  const V t = V::div(one, d);
  const V minusT = V::sub(V::zero(), t);
  const V dError = V::fma(a, quarter, V::sub(one, d));
  const V tError = V::fma(minusT, dError, V::fma(minusT, d, one));  // relative
  V p = V::broadcast(0.0126332576F);
  p = V::fma(p, t, V::broadcast(-0.040174772F));
  p = V::fma(p, t, V::broadcast(-0.00481620279F));
  p = V::fma(p, t, V::broadcast(0.108948077F));
  p = V::fma(p, t, V::broadcast(-0.059445215F));
  p = V::fma(p, t, V::broadcast(0.128762989F));
  p = V::fma(p, t, V::broadcast(0.0560186796F));
  p = V::fma(p, t, V::broadcast(0.0993162648F));
  p = V::fma(p, t, V::broadcast(0.0989789877F));
  p = V::fma(p, t, V::broadcast(0.0997779356F));
  V r = V::mul(p, t);
  const V slope = V::mul(V::fma(a, r, V::broadcast(-0.398942280F)), V::mul(d, V::broadcast(-4.0F)));
  const V minusHalf = V::broadcast(-0.5F);
  const V high = V::mul(a, a);
  const V low = V::fma(a, a, V::sub(V::zero(), high));
  const V correction = V::fma(slope, tError, V::mul(r, V::mul(low, minusHalf)));
  r = V::add(r, correction);
  return V::mul(r, vexp(V::mul(high, minusHalf)));
}

}  // namespace tandem

#endif  // TANDEM_KERNELS_VEC_MATH_H_
