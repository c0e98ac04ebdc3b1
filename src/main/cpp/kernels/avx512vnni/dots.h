// Integer products with AVX-512 VNNI, which multiplies unsigned weights by signed activations and
// adds to 32 bits, without saturation. See scalar/dots.h for what each operation means.
#ifndef TANDEM_KERNELS_AVX512VNNI_DOTS_H_
#define TANDEM_KERNELS_AVX512VNNI_DOTS_H_

#include "kernels/avx512/dots.h"

namespace tandem::avx512vnni {
namespace {

struct Dots : avx512::Dots {
  static constexpr int32_t kQ8Zero = 128;

  static Ints addQ8(Ints sum, Bytes w, Four x) { return _mm512_dpbusd_epi32(sum, w, x); }
  static Small addSmall(Small sum, Bytes w, Four x) { return _mm512_dpbusd_epi32(sum, w, x); }
};

}  // namespace
}  // namespace tandem::avx512vnni

#endif  // TANDEM_KERNELS_AVX512VNNI_DOTS_H_
