// The 16 virtual lanes as four NEON registers. See scalar/vec16.h for what each operation means.
#ifndef TANDEM_KERNELS_NEON_VEC16_H_
#define TANDEM_KERNELS_NEON_VEC16_H_

#include <arm_neon.h>

#include <cstdint>

#include "kernels/unroll.h"

namespace tandem::neon {
namespace {

struct Vec16 {
  struct Mask {
    uint32x4_t q0, q1, q2, q3;
  };

  float32x4_t q0, q1, q2, q3;  // lanes 0 to 3, 4 to 7, 8 to 11, 12 to 15

  // Register tiles: 32 registers hold 4 accumulators of four registers and their operands, 3 if the
  // operands of all outputs are converted first, 6 if one operand is a broadcast.
  static constexpr int kMatmulRows = 2;
  static constexpr int matmulOutputs(int rows) { return rows == 1 ? 3 : 2; }
  static constexpr int64_t kMatmulCacheBytes = 393216;
  static constexpr int64_t kPrefetchBytes = 1536;
  static constexpr int kAttentionRows = 6;
  static constexpr int attentionGroups(int queries) { return queries <= 2 ? 2 : 1; }
  static constexpr int attentionCols(int queries) {
    return queries == 1 ? 4 : queries == 2 ? 2 : 1;
  }

  // GCC spills more with two slices of two registers each, although they need fewer.
  static constexpr int kSlices = 1;
  using Slice = Vec16;
  Slice slice(int /*i*/) const { return *this; }
  void addProduct(const Slice& a, const Slice& b, int /*i*/) { *this = fma(a, b, *this); }

  static Vec16 zero() { return broadcast(0.0F); }
  static Vec16 broadcast(float x) {
    const float32x4_t q = vdupq_n_f32(x);
    return {q, q, q, q};
  }
  static Vec16 load(const float* p) {
    return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
  }
  static Vec16 loadOnce(const float* p) { return load(p); }
  static Vec16 loadPartial(const float* p, int64_t n) {
    return n == 16 ? load(p) : loadFirst(p, n);
  }
  static void prefetch(const void* p, int64_t bytes) {
    // Not p + bytes, which need not be a valid pointer.
    const uintptr_t address = reinterpret_cast<uintptr_t>(p) + static_cast<uintptr_t>(bytes);
    __builtin_prefetch(
        reinterpret_cast<const void*>(address));  // NOLINT(performance-no-int-to-ptr)
  }
  void store(float* p) const {
    vst1q_f32(p, q0);
    vst1q_f32(p + 4, q1);
    vst1q_f32(p + 8, q2);
    vst1q_f32(p + 12, q3);
  }
  void storePartial(float* p, int64_t n) const {
    if (n == 16) {
      store(p);
    } else {
      storeFirst(*this, p, n);
    }
  }

  static Vec16 fma(Vec16 a, Vec16 b, Vec16 c) {
    return {vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1), vfmaq_f32(c.q2, a.q2, b.q2),
            vfmaq_f32(c.q3, a.q3, b.q3)};
  }
  static Vec16 add(Vec16 a, Vec16 b) {
    return {vaddq_f32(a.q0, b.q0), vaddq_f32(a.q1, b.q1), vaddq_f32(a.q2, b.q2),
            vaddq_f32(a.q3, b.q3)};
  }
  static Vec16 sub(Vec16 a, Vec16 b) {
    return {vsubq_f32(a.q0, b.q0), vsubq_f32(a.q1, b.q1), vsubq_f32(a.q2, b.q2),
            vsubq_f32(a.q3, b.q3)};
  }
  static Vec16 mul(Vec16 a, Vec16 b) {
    return {vmulq_f32(a.q0, b.q0), vmulq_f32(a.q1, b.q1), vmulq_f32(a.q2, b.q2),
            vmulq_f32(a.q3, b.q3)};
  }
  static Vec16 div(Vec16 a, Vec16 b) {
    return {vdivq_f32(a.q0, b.q0), vdivq_f32(a.q1, b.q1), vdivq_f32(a.q2, b.q2),
            vdivq_f32(a.q3, b.q3)};
  }
  // Uses comparisons: FMAX and FMIN would give NaN if either operand is NaN, and order the zeros.
  static Vec16 max(Vec16 a, Vec16 b) { return select(less(b, a), a, b); }
  static Vec16 min(Vec16 a, Vec16 b) { return select(less(a, b), a, b); }
  static Vec16 abs(Vec16 a) {
    return {vabsq_f32(a.q0), vabsq_f32(a.q1), vabsq_f32(a.q2), vabsq_f32(a.q3)};
  }

  static Mask firstLanes(int64_t n) {
    const uint32x4_t count = vdupq_n_u32(static_cast<uint32_t>(n));
    return {vcltq_u32(vld1q_u32(kLane), count), vcltq_u32(vld1q_u32(kLane + 4), count),
            vcltq_u32(vld1q_u32(kLane + 8), count), vcltq_u32(vld1q_u32(kLane + 12), count)};
  }
  static Mask lessEqual(Vec16 a, Vec16 b) {
    return {vcleq_f32(a.q0, b.q0), vcleq_f32(a.q1, b.q1), vcleq_f32(a.q2, b.q2),
            vcleq_f32(a.q3, b.q3)};
  }
  static Mask less(Vec16 a, Vec16 b) {
    return {vcltq_f32(a.q0, b.q0), vcltq_f32(a.q1, b.q1), vcltq_f32(a.q2, b.q2),
            vcltq_f32(a.q3, b.q3)};
  }
  static Vec16 select(Mask m, Vec16 a, Vec16 b) {
    return {vbslq_f32(m.q0, a.q0, b.q0), vbslq_f32(m.q1, a.q1, b.q1), vbslq_f32(m.q2, a.q2, b.q2),
            vbslq_f32(m.q3, a.q3, b.q3)};
  }

  static Vec16 scaleByPowerOf2(Vec16 a, Vec16 n) {
    return {scaleQuarter(a.q0, n.q0), scaleQuarter(a.q1, n.q1), scaleQuarter(a.q2, n.q2),
            scaleQuarter(a.q3, n.q3)};
  }

  float sum() const {
    const float32x4_t s4 = sumTo4();
    return vpadds_f32(vadd_f32(vget_low_f32(s4), vget_high_f32(s4)));
  }

  // out[i] = sum() of the i-th vector; the four trees share their shuffles.
  static void sum4(Vec16 a, Vec16 b, Vec16 c, Vec16 d, float* out) {
    vst1q_f32(out, vpaddq_f32(sumTo2(a.sumTo4(), b.sumTo4()), sumTo2(c.sumTo4(), d.sumTo4())));
  }

  float maxLane() const { return vmaxvq_f32(vmaxq_f32(vmaxq_f32(q0, q1), vmaxq_f32(q2, q3))); }

  static Vec16 expandF16(const uint16_t* p) {
    const float16x8_t lo = vreinterpretq_f16_u16(vld1q_u16(p));
    const float16x8_t hi = vreinterpretq_f16_u16(vld1q_u16(p + 8));
    return {vcvt_f32_f16(vget_low_f16(lo)), vcvt_high_f32_f16(lo), vcvt_f32_f16(vget_low_f16(hi)),
            vcvt_high_f32_f16(hi)};
  }
  static Vec16 expandBf16(const uint16_t* p) {
    const uint16x8_t lo = vld1q_u16(p);
    const uint16x8_t hi = vld1q_u16(p + 8);
    return {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(lo), 16)),
            vreinterpretq_f32_u32(vshll_high_n_u16(lo, 16)),
            vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(hi), 16)),
            vreinterpretq_f32_u32(vshll_high_n_u16(hi, 16))};
  }

  static Vec16 broadcastF16(uint16_t half) {
    const float32x4_t q = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half)));
    return {q, q, q, q};
  }
  void storeF16(uint16_t* p) const {
    vst1q_u16(p, toHalves(q0, q1));
    vst1q_u16(p + 8, toHalves(q2, q3));
  }
  static Vec16 expandI8(const int8_t* p) {
    const int8x16_t bytes = vld1q_s8(p);
    const int16x8_t lo = vmovl_s8(vget_low_s8(bytes));
    const int16x8_t hi = vmovl_high_s8(bytes);
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(lo))), vcvtq_f32_s32(vmovl_high_s16(lo)),
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(hi))), vcvtq_f32_s32(vmovl_high_s16(hi))};
  }
  void storeI8(int8_t* p) const {
    const int16x8_t lo = toShorts(q0, q1);
    const int16x8_t hi = toShorts(q2, q3);
    vst1q_s8(p, vcombine_s8(vmovn_s16(lo), vmovn_s16(hi)));
  }

  static Vec16 lookUpF16(const uint16_t* table, Vec16 x) {
    uint16_t halves[16];
    x.storeF16(halves);
    for (uint16_t& half : halves) half = table[half];
    return expandF16(halves);
  }

  static float fmaScalar(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float sqrtScalar(float a) { return vget_lane_f32(vsqrt_f32(vdup_n_f32(a)), 0); }

 private:
  static constexpr uint32_t kLane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  // Separate functions: if inlined, their loops would keep the tiles' sums out of registers.
  TANDEM_NOINLINE static Vec16 loadFirst(const float* p, int64_t n) {
    float first[16] = {};
    for (int64_t i = 0; i < n; ++i) first[i] = p[i];
    return load(first);
  }
  TANDEM_NOINLINE static void storeFirst(Vec16 a, float* p, int64_t n) {
    float all[16];
    a.store(all);
    for (int64_t i = 0; i < n; ++i) p[i] = all[i];
  }

  // Two steps, so that neither factor leaves the range of normal numbers; only the last one rounds.
  static float32x4_t scaleQuarter(float32x4_t a, float32x4_t n) {
    const int32x4_t whole = vcvtq_s32_f32(n);
    const int32x4_t first = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(a, powerOf2(first)), powerOf2(vsubq_s32(whole, first)));
  }
  static float32x4_t powerOf2(int32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
  }
  // The first two steps of sum().
  float32x4_t sumTo4() const { return vaddq_f32(vaddq_f32(q0, q2), vaddq_f32(q1, q3)); }
  // The third step for two vectors: a0 a1 b0 b1.
  static float32x4_t sumTo2(float32x4_t a, float32x4_t b) {
    const float64x2_t a2 = vreinterpretq_f64_f32(a);
    const float64x2_t b2 = vreinterpretq_f64_f32(b);
    return vaddq_f32(vreinterpretq_f32_f64(vzip1q_f64(a2, b2)),
                     vreinterpretq_f32_f64(vzip2q_f64(a2, b2)));
  }
  static uint16x8_t toHalves(float32x4_t a, float32x4_t b) {
    return vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(a), b));
  }
  // The same for whole numbers.
  static int16x8_t toShorts(float32x4_t a, float32x4_t b) {
    return vcombine_s16(vmovn_s32(vcvtq_s32_f32(a)), vmovn_s32(vcvtq_s32_f32(b)));
  }
};

}  // namespace
}  // namespace tandem::neon

#endif  // TANDEM_KERNELS_NEON_VEC16_H_
