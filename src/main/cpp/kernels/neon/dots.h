// Integer products with NEON. See scalar/dots.h for what each operation means.
#ifndef TANDEM_KERNELS_NEON_DOTS_H_
#define TANDEM_KERNELS_NEON_DOTS_H_

#include "kernels/neon/vec16.h"

namespace tandem::neon {
namespace {

struct Dots {
  using Vec = Vec16;
  struct Ints {
    int32x4_t q0, q1, q2, q3;
  };
  struct Bytes {
    uint8x16_t q0, q1, q2, q3;
  };
  using Four = int8x16_t;

  static constexpr int kFewPanelRows = 3;
  static constexpr int kPanelRows = 3;
  static constexpr int panelsOf(int /*rows*/) { return 1; }
  static constexpr int64_t kPrefetchBytes = 6528;
  static constexpr int32_t kQ8Zero = 0;

  static Ints ints(int32_t x) {
    const int32x4_t q = vdupq_n_s32(x);
    return {q, q, q, q};
  }
  static Bytes load(const uint8_t* p) {
    return {vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)};
  }
  static Four broadcast4(const int8_t* p) {
    int32_t four = 0;
    __builtin_memcpy(&four, p, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
  }
  static Ints addQ8(Ints sum, Bytes w, Four x) {
    return {addQuarter(sum.q0, asSigned(w.q0), x), addQuarter(sum.q1, asSigned(w.q1), x),
            addQuarter(sum.q2, asSigned(w.q2), x), addQuarter(sum.q3, asSigned(w.q3), x)};
  }
  static Bytes lowNibbles(Bytes w) {
    const uint8x16_t mask = vdupq_n_u8(0x0F);
    return {vandq_u8(w.q0, mask), vandq_u8(w.q1, mask), vandq_u8(w.q2, mask), vandq_u8(w.q3, mask)};
  }
  static Bytes highNibbles(Bytes w) {
    return {vshrq_n_u8(w.q0, 4), vshrq_n_u8(w.q1, 4), vshrq_n_u8(w.q2, 4), vshrq_n_u8(w.q3, 4)};
  }
  static Bytes sixBits(Bytes nibbles, Bytes pieces, int i) {
    const int8x16_t left = vdupq_n_s8(static_cast<int8_t>(4 - 2 * i));
    return {vorrq_u8(nibbles.q0, upperBits(pieces.q0, left)),
            vorrq_u8(nibbles.q1, upperBits(pieces.q1, left)),
            vorrq_u8(nibbles.q2, upperBits(pieces.q2, left)),
            vorrq_u8(nibbles.q3, upperBits(pieces.q3, left))};
  }
  using Small = Ints;
  static Small small(Ints start) { return start; }
  static Ints ints(Small sum) { return sum; }
  static Small addSmall(Small sum, Bytes w, Four x) {
    return {addQuarter(sum.q0, vreinterpretq_s8_u8(w.q0), x),
            addQuarter(sum.q1, vreinterpretq_s8_u8(w.q1), x),
            addQuarter(sum.q2, vreinterpretq_s8_u8(w.q2), x),
            addQuarter(sum.q3, vreinterpretq_s8_u8(w.q3), x)};
  }
  static Vec16 toFloats(Ints a) {
    return {vcvtq_f32_s32(a.q0), vcvtq_f32_s32(a.q1), vcvtq_f32_s32(a.q2), vcvtq_f32_s32(a.q3)};
  }

 protected:
  // Weights less 128.
  static int8x16_t asSigned(uint8x16_t w) {
    return vreinterpretq_s8_u8(veorq_u8(w, vdupq_n_u8(0x80)));
  }

 private:
  // Shifted left, or right for negative numbers: two bits move to bits 4 and 5.
  static uint8x16_t upperBits(uint8x16_t pieces, int8x16_t left) {
    return vandq_u8(vshlq_u8(pieces, left), vdupq_n_u8(0x30));
  }
  // |w| <= 128 and |x| <= 127, so that the sums of two products fit 16 bits.
  static int32x4_t addQuarter(int32x4_t sum, int8x16_t w, int8x16_t x) {
    const int16x8_t lo = vmull_s8(vget_low_s8(w), vget_low_s8(x));
    const int16x8_t hi = vmull_high_s8(w, x);
    return vpadalq_s16(sum, vpaddq_s16(lo, hi));
  }
};

}  // namespace
}  // namespace tandem::neon

#endif  // TANDEM_KERNELS_NEON_DOTS_H_
