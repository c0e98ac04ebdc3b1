// Integer products with AVX-512 BW. See scalar/dots.h for what each operation means.
#ifndef TANDEM_KERNELS_AVX512_DOTS_H_
#define TANDEM_KERNELS_AVX512_DOTS_H_

#include <cstring>

#include "kernels/avx512/vec16.h"

namespace tandem::avx512 {
namespace {

struct Dots {
  using Vec = Vec16;
  using Ints = __m512i;
  using Bytes = __m512i;
  using Four = __m512i;

  static constexpr int kFewPanelRows = 8;
  static constexpr int kPanelRows = 6;
  static constexpr int panelsOf(int rows) { return rows == 1 || rows > 6 ? 1 : 2; }
  static constexpr int64_t kPrefetchBytes = 6528;
  static constexpr int32_t kQ8Zero = 0;

  static Ints ints(int32_t x) { return _mm512_set1_epi32(x); }
  static Bytes load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static Four broadcast4(const int8_t* p) {
    int32_t four = 0;
    std::memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
  }
  // |w| <= 128 and |x| <= 127, so that the sums of two products fit 16 bits.
  static Ints addQ8(Ints sum, Bytes w, Four x) {
    const __m512i v = _mm512_xor_si512(w, _mm512_set1_epi8(-128));
    const __m512i sign = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(v), _mm512_setzero_si512(), x);
    return addSmall(sum, _mm512_abs_epi8(v), sign);
  }
  static Bytes lowNibbles(Bytes w) { return _mm512_and_si512(w, _mm512_set1_epi8(0x0F)); }
  static Bytes highNibbles(Bytes w) { return lowNibbles(_mm512_srli_epi16(w, 4)); }
  static Bytes sixBits(Bytes nibbles, Bytes pieces, int i) {
    const __m512i moved = i < 2 ? _mm512_slli_epi16(pieces, static_cast<unsigned>(4 - 2 * i))
                                : _mm512_srli_epi16(pieces, static_cast<unsigned>(2 * i - 4));
    return _mm512_or_si512(nibbles, _mm512_and_si512(moved, _mm512_set1_epi8(0x30)));
  }
  using Small = Ints;
  static Small small(Ints start) { return start; }
  static Ints ints(Small sum) { return sum; }
  static Small addSmall(Small sum, Bytes w, Four x) {
    const __m512i pairs = _mm512_maddubs_epi16(w, x);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
  static Vec16 toFloats(Ints a) { return {_mm512_cvtepi32_ps(a)}; }
};

}  // namespace
}  // namespace tandem::avx512

#endif  // TANDEM_KERNELS_AVX512_DOTS_H_
