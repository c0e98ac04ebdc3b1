// Integer products with the dot product instruction, which multiplies signed bytes and adds four
// products to 32 bits. See scalar/dots.h for what each operation means.
#ifndef TANDEM_KERNELS_NEONDOT_DOTS_H_
#define TANDEM_KERNELS_NEONDOT_DOTS_H_

#include "kernels/neon/dots.h"

namespace tandem::neondot {
namespace {

struct Dots : neon::Dots {
  static Ints addQ8(Ints sum, Bytes w, Four x) {
    return {vdotq_s32(sum.q0, asSigned(w.q0), x), vdotq_s32(sum.q1, asSigned(w.q1), x),
            vdotq_s32(sum.q2, asSigned(w.q2), x), vdotq_s32(sum.q3, asSigned(w.q3), x)};
  }
  static Small addSmall(Small sum, Bytes w, Four x) {
    return {vdotq_s32(sum.q0, vreinterpretq_s8_u8(w.q0), x),
            vdotq_s32(sum.q1, vreinterpretq_s8_u8(w.q1), x),
            vdotq_s32(sum.q2, vreinterpretq_s8_u8(w.q2), x),
            vdotq_s32(sum.q3, vreinterpretq_s8_u8(w.q3), x)};
  }
};

}  // namespace
}  // namespace tandem::neondot

#endif  // TANDEM_KERNELS_NEONDOT_DOTS_H_
