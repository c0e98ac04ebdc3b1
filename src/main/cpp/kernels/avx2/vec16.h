// The 16 virtual lanes as two AVX2 registers. See scalar/vec16.h for what each operation means.
#ifndef TANDEM_KERNELS_AVX2_VEC16_H_
#define TANDEM_KERNELS_AVX2_VEC16_H_

#include <immintrin.h>

#include <cstdint>

namespace tandem::avx2 {
namespace {

// Eight lanes, one register.
struct Vec8 {
  __m256 v;

  static Vec8 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec8 loadOnce(const float* p) {
    __m256 v = _mm256_loadu_ps(p);
    // Hides from GCC that v is still in memory. Otherwise GCC makes v a memory operand of each
    // product, and loads, not products, limit a tile.
#if defined(__GNUC__)
    asm("" : "+x"(v));
#endif
    return {v};
  }
  static Vec8 expandF16(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static Vec8 expandBf16(const uint16_t* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
  }
};

struct Vec16 {
  struct Mask {
    __m256 lo, hi;
  };

  __m256 lo, hi;

  // Register tiles: 16 registers hold 6 accumulator pairs and half of each operand.
  static constexpr int kMatmulRows = 3;
  static constexpr int matmulOutputs(int rows) { return rows == 1 ? 4 : 2; }
  static constexpr int64_t kMatmulCacheBytes = 196608;  // for an L2 cache of 256 KB or more
  // For four streams. More outstanding lines than the L1 cache can wait for (24 on Zen 3) delay the
  // loads. 1536 bytes cost a fifth of the bandwidth there.
  static constexpr int64_t kPrefetchBytes = 256;
  static constexpr int kAttentionRows = 6;
  static constexpr int attentionGroups(int queries) { return queries <= 3 ? 2 : 1; }
  static constexpr int attentionCols(int queries) {
    return queries == 1 ? 4 : queries <= 3 ? 2 : 1;
  }

  static constexpr int kSlices = 2;
  using Slice = Vec8;
  Slice slice(int i) const { return {i == 0 ? lo : hi}; }
  void addProduct(Slice a, Slice b, int i) {
    __m256& sum = i == 0 ? lo : hi;
    sum = _mm256_fmadd_ps(a.v, b.v, sum);
  }

  static Vec16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Vec16 broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Vec16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Vec16 loadPartial(const float* p, int64_t n) {
    const Mask m = firstLanes(n);
    return {_mm256_maskload_ps(p, _mm256_castps_si256(m.lo)),
            _mm256_maskload_ps(p + 8, _mm256_castps_si256(m.hi))};
  }
  static void prefetch(const void* p, int64_t bytes) {
    // Not p + bytes, which need not be a valid pointer.
    const uintptr_t address = reinterpret_cast<uintptr_t>(p) + static_cast<uintptr_t>(bytes);
    const auto* line = reinterpret_cast<const char*>(address);  // NOLINT(performance-no-int-to-ptr)
    _mm_prefetch(line, _MM_HINT_T0);
  }
  void store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }
  void storePartial(float* p, int64_t n) const {
    const Mask m = firstLanes(n);
    _mm256_maskstore_ps(p, _mm256_castps_si256(m.lo), lo);
    _mm256_maskstore_ps(p + 8, _mm256_castps_si256(m.hi), hi);
  }

  static Vec16 fma(Vec16 a, Vec16 b, Vec16 c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static Vec16 add(Vec16 a, Vec16 b) {
    return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
  }
  static Vec16 sub(Vec16 a, Vec16 b) {
    return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
  }
  static Vec16 mul(Vec16 a, Vec16 b) {
    return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
  }
  static Vec16 div(Vec16 a, Vec16 b) {
    return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
  }
  static Vec16 max(Vec16 a, Vec16 b) {
    return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
  }
  static Vec16 min(Vec16 a, Vec16 b) {
    return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
  }
  static Vec16 abs(Vec16 a) {
    const __m256 sign = _mm256_set1_ps(-0.0F);
    return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
  }

  static Mask firstLanes(int64_t n) {
    const int32_t* p = kFirstLanes + (16 - n);
    return {_mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))),
            _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8)))};
  }
  static Mask lessEqual(Vec16 a, Vec16 b) {
    return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LE_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LE_OQ)};
  }
  static Mask less(Vec16 a, Vec16 b) {
    return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
  }
  static Vec16 select(Mask m, Vec16 a, Vec16 b) {
    return {_mm256_blendv_ps(b.lo, a.lo, m.lo), _mm256_blendv_ps(b.hi, a.hi, m.hi)};
  }

  static Vec16 scaleByPowerOf2(Vec16 a, Vec16 n) {
    return {scaleHalf(a.lo, n.lo), scaleHalf(a.hi, n.hi)};
  }

  float sum() const {
    const __m256 s8 = _mm256_add_ps(lo, hi);
    const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
  }

  // out[i] = sum() of the i-th vector; the four trees share their shuffles.
  static void sum4(Vec16 a, Vec16 b, Vec16 c, Vec16 d, float* out) {
    const __m256 a8 = _mm256_add_ps(a.lo, a.hi);
    const __m256 b8 = _mm256_add_ps(b.lo, b.hi);
    const __m256 c8 = _mm256_add_ps(c.lo, c.hi);
    const __m256 d8 = _mm256_add_ps(d.lo, d.hi);
    const __m256 ab =
        _mm256_add_ps(_mm256_permute2f128_ps(a8, b8, 0x20), _mm256_permute2f128_ps(a8, b8, 0x31));
    const __m256 cd =
        _mm256_add_ps(_mm256_permute2f128_ps(c8, d8, 0x20), _mm256_permute2f128_ps(c8, d8, 0x31));
    const __m256 s2 =  // a0 a1 c0 c1 | b0 b1 d0 d1
        _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
    const __m256 s1 = _mm256_add_ps(s2, _mm256_permute_ps(s2, 0xB1));
    // a a c c | b b d d
    _mm_storeu_ps(out, _mm_blend_ps(_mm256_castps256_ps128(s1), _mm256_extractf128_ps(s1, 1), 0xA));
  }

  float maxLane() const {
    const __m256 m8 = _mm256_max_ps(lo, hi);
    const __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    const __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
  }

  static Vec16 expandF16(const uint16_t* p) {
    return {Vec8::expandF16(p).v, Vec8::expandF16(p + 8).v};
  }
  static Vec16 expandBf16(const uint16_t* p) {
    return {Vec8::expandBf16(p).v, Vec8::expandBf16(p + 8).v};
  }
  static Vec16 broadcastF16(uint16_t half) { return broadcast(_cvtsh_ss(half)); }
  void storeF16(uint16_t* p) const {
    __m128i* q = reinterpret_cast<__m128i*>(p);
    _mm_storeu_si128(q, _mm256_cvtps_ph(lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(q + 1, _mm256_cvtps_ph(hi, _MM_FROUND_TO_NEAREST_INT));
  }
  static Vec16 expandI8(const int8_t* p) { return {expandI8Half(p), expandI8Half(p + 8)}; }
  void storeI8(int8_t* p) const {
    const __m256i a = _mm256_cvtps_epi32(lo);
    const __m256i b = _mm256_cvtps_epi32(hi);
    const __m128i first =
        _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i second =
        _mm_packs_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(first, second));
  }

  static Vec16 lookUpF16(const uint16_t* table, Vec16 x) {
    return {lookUpHalf(table, x.lo), lookUpHalf(table, x.hi)};
  }

  static float fmaScalar(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float sqrtScalar(float a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }

 private:
  static constexpr int32_t kFirstLanes[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                              -1, -1, -1, -1, -1, 0,  0,  0,  0,  0,  0,
                                              0,  0,  0,  0,  0,  0,  0,  0,  0,  0};

  // Two steps, so that neither factor leaves the range of normal numbers; only the last one rounds.
  static __m256 scaleHalf(__m256 a, __m256 n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i first = _mm256_srai_epi32(whole, 1);
    const __m256i second = _mm256_sub_epi32(whole, first);
    return _mm256_mul_ps(_mm256_mul_ps(a, powerOf2(first)), powerOf2(second));
  }
  static __m256 powerOf2(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static __m256 expandI8Half(const int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
  // Gathers 32-bit words of two entries each, so that nothing past the table's end is read.
  static __m256 lookUpHalf(const uint16_t* table, __m256 x) {
    const __m256i index = _mm256_cvtepu16_epi32(_mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
    const __m256i pair =
        _mm256_i32gather_epi32(reinterpret_cast<const int*>(table), _mm256_srli_epi32(index, 1), 4);
    const __m256i shift = _mm256_slli_epi32(_mm256_and_si256(index, _mm256_set1_epi32(1)), 4);
    const __m256i word =
        _mm256_and_si256(_mm256_srlv_epi32(pair, shift), _mm256_set1_epi32(0xFFFF));
    return _mm256_cvtph_ps(
        _mm_packus_epi32(_mm256_castsi256_si128(word), _mm256_extracti128_si256(word, 1)));
  }
};

}  // namespace
}  // namespace tandem::avx2

#endif  // TANDEM_KERNELS_AVX2_VEC16_H_
