// Products of bfloat16 pairs with AVX-512 BF16: x and w as bfloat16, two elements of k in a lane.
#ifndef TANDEM_KERNELS_AVX512BF16_FORMAT_H_
#define TANDEM_KERNELS_AVX512BF16_FORMAT_H_

#include "kernels/avx512/vec16.h"

namespace tandem::avx512bf16 {
namespace {

struct Format {
  using Vec = avx512::Vec16;
  using X = uint16_t;
  using W = uint16_t;
  struct Slice {
    __m512bh pairs;

    Slice slice(int /*i*/) const { return *this; }
  };
  static constexpr int kSlices = 1;
  static constexpr int64_t kStep = 32;

  static Slice loadX(const uint16_t* p) { return {bits(_mm512_loadu_si512(p))}; }
  static Slice loadW(const uint16_t* p) { return loadX(p); }
  static Slice loadPartialX(const uint16_t* p, int64_t n) {
    const auto first = static_cast<__mmask32>((uint64_t{1} << n) - 1);
    return {bits(_mm512_maskz_loadu_epi16(first, p))};
  }
  static Slice loadPartialW(const uint16_t* p, int64_t n) { return loadPartialX(p, n); }
  static void multiplyAdd(Slice x, Slice w, Vec& sum, int /*i*/) {
    sum.v = _mm512_dpbf16_ps(sum.v, x.pairs, w.pairs);
  }

 private:
  static __m512bh bits(__m512i a) { return reinterpret_cast<__m512bh>(a); }
};

// Rounds to bfloat16, ties to even; subnormals become zero.
inline void roundRow(uint16_t* dst, const float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const auto lanes = static_cast<__mmask16>(n - i < 16 ? (1U << (n - i)) - 1U : 0xFFFFU);
    const __m512 v = _mm512_maskz_loadu_ps(lanes, x + i);
    _mm256_mask_storeu_epi16(dst + i, lanes, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
  }
}

}  // namespace
}  // namespace tandem::avx512bf16

#endif  // TANDEM_KERNELS_AVX512BF16_FORMAT_H_
