// Integer products with AVX2. See scalar/dots.h for what each operation means.
#ifndef TANDEM_KERNELS_AVX2_DOTS_H_
#define TANDEM_KERNELS_AVX2_DOTS_H_

#include <cstring>

#include "kernels/avx2/vec16.h"

namespace tandem::avx2 {
namespace {

struct Dots {
  using Vec = Vec16;
  struct Ints {
    __m256i lo, hi;
  };
  using Bytes = Ints;
  using Four = __m256i;

  static constexpr int kFewPanelRows = 3;
  static constexpr int kPanelRows = 3;
  static constexpr int panelsOf(int rows) { return rows == 1 ? 4 : 1; }
  static constexpr int64_t kPrefetchBytes = 896;  // best of 640 to 26112 on Zen 3
  static constexpr int32_t kQ8Zero = 0;

  static Ints ints(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static Bytes load(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  }
  static Four broadcast4(const int8_t* p) {
    int32_t four = 0;
    std::memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Ints addQ8(Ints sum, Bytes w, Four x) {
    return {addQ8Half(sum.lo, w.lo, x), addQ8Half(sum.hi, w.hi, x)};
  }
  static Bytes lowNibbles(Bytes w) {
    const __m256i mask = _mm256_set1_epi8(0x0F);
    return {_mm256_and_si256(w.lo, mask), _mm256_and_si256(w.hi, mask)};
  }
  static Bytes highNibbles(Bytes w) {
    return lowNibbles({_mm256_srli_epi16(w.lo, 4), _mm256_srli_epi16(w.hi, 4)});
  }
  static Bytes sixBits(Bytes nibbles, Bytes pieces, int i) {
    return {_mm256_or_si256(nibbles.lo, upperBits(pieces.lo, i)),
            _mm256_or_si256(nibbles.hi, upperBits(pieces.hi, i))};
  }
  // Sums of pairs fit 16 bits up to this number: 8 * 2 * 15 * 127, 2 * 2 * 63 * 127.
  struct Small {
    Ints start, pairs;
  };
  static Small small(Ints start) { return {start, ints(0)}; }
  static Ints ints(const Small& sum) {
    return {addPairs(sum.start.lo, sum.pairs.lo), addPairs(sum.start.hi, sum.pairs.hi)};
  }
  static Small addSmall(const Small& sum, Bytes w, Four x) {
    return {sum.start,
            {now(_mm256_add_epi16(sum.pairs.lo, _mm256_maddubs_epi16(w.lo, x))),
             now(_mm256_add_epi16(sum.pairs.hi, _mm256_maddubs_epi16(w.hi, x)))}};
  }
  static Vec16 toFloats(Ints a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }

 private:
  // Two bits, starting at bit 2 i, moved to bits 4 and 5.
  static __m256i upperBits(__m256i pieces, int i) {
    const __m256i moved =
        i < 2 ? _mm256_slli_epi16(pieces, 4 - 2 * i) : _mm256_srli_epi16(pieces, 2 * i - 4);
    return _mm256_and_si256(moved, _mm256_set1_epi8(0x30));
  }
  // |w| <= 128 and |x| <= 127, so that the sums of two products fit 16 bits.
  static __m256i addQ8Half(__m256i sum, __m256i w, __m256i x) {
    const __m256i v = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
    return addPairs(sum, _mm256_maddubs_epi16(_mm256_abs_epi8(v), _mm256_sign_epi8(x, v)));
  }
  static __m256i addPairs(__m256i sum, __m256i pairs) {
    return now(_mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
  }
  // GCC delays additions until their sum is needed, and spills all the products until then.
  static __m256i now(__m256i sum) {
#if defined(__GNUC__)
    asm("" : "+x"(sum));
#endif
    return sum;
  }
};

}  // namespace
}  // namespace tandem::avx2

#endif  // TANDEM_KERNELS_AVX2_DOTS_H_
