// The 16 virtual lanes as one AVX-512 register. See scalar/vec16.h for what each operation means.
#ifndef TANDEM_KERNELS_AVX512_VEC16_H_
#define TANDEM_KERNELS_AVX512_VEC16_H_

// GCC 12's intrinsics initialise their "undefined" operands with themselves (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cstdint>

namespace tandem::avx512 {
namespace {

struct Vec16 {
  using Mask = __mmask16;

  __m512 v;

  // Register tiles: 32 registers hold 24 accumulators, their operands and a spare.
  static constexpr int kMatmulRows = 6;
  static constexpr int matmulOutputs(int /*rows*/) { return 4; }
  static constexpr int64_t kMatmulCacheBytes = 393216;  // for an L2 cache of 1 MB or more
  static constexpr int64_t kPrefetchBytes = 1536;
  static constexpr int kAttentionRows = 6;
  static constexpr int attentionGroups(int queries) { return queries == 1 ? 2 : 4; }
  static constexpr int attentionCols(int /*queries*/) { return 4; }

  static constexpr int kSlices = 1;
  using Slice = Vec16;
  Slice slice(int /*i*/) const { return *this; }
  void addProduct(Slice a, Slice b, int /*i*/) { *this = fma(a, b, *this); }

  static Vec16 zero() { return {_mm512_setzero_ps()}; }
  static Vec16 broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Vec16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec16 loadOnce(const float* p) { return load(p); }
  static Vec16 loadPartial(const float* p, int64_t n) {
    return {_mm512_maskz_loadu_ps(firstLanes(n), p)};
  }
  static void prefetch(const void* p, int64_t bytes) {
    // Not p + bytes, which need not be a valid pointer.
    const uintptr_t address = reinterpret_cast<uintptr_t>(p) + static_cast<uintptr_t>(bytes);
    const auto* line = reinterpret_cast<const char*>(address);  // NOLINT(performance-no-int-to-ptr)
    _mm_prefetch(line, _MM_HINT_T0);
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void storePartial(float* p, int64_t n) const { _mm512_mask_storeu_ps(p, firstLanes(n), v); }

  static Vec16 fma(Vec16 a, Vec16 b, Vec16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec16 add(Vec16 a, Vec16 b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Vec16 sub(Vec16 a, Vec16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Vec16 mul(Vec16 a, Vec16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Vec16 div(Vec16 a, Vec16 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vec16 max(Vec16 a, Vec16 b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vec16 min(Vec16 a, Vec16 b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vec16 abs(Vec16 a) { return {_mm512_abs_ps(a.v)}; }

  static Mask firstLanes(int64_t n) { return static_cast<Mask>((1U << n) - 1U); }
  static Mask lessEqual(Vec16 a, Vec16 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ); }
  static Mask less(Vec16 a, Vec16 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
  static Vec16 select(Mask m, Vec16 a, Vec16 b) { return {_mm512_mask_blend_ps(m, b.v, a.v)}; }

  static Vec16 scaleByPowerOf2(Vec16 a, Vec16 n) { return {_mm512_scalef_ps(a.v, n.v)}; }

  float sum() const {
    const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
  }

  // out[i] = sum() of the i-th vector; the four trees share their shuffles.
  static void sum4(Vec16 a, Vec16 b, Vec16 c, Vec16 d, float* out) {
    const __m512 ab =
        _mm512_add_ps(_mm512_shuffle_f32x4(a.v, b.v, 0x44), _mm512_shuffle_f32x4(a.v, b.v, 0xEE));
    const __m512 cd =
        _mm512_add_ps(_mm512_shuffle_f32x4(c.v, d.v, 0x44), _mm512_shuffle_f32x4(c.v, d.v, 0xEE));
    const __m512 s4 =
        _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
    const __m512 s2 = _mm512_add_ps(s4, _mm512_permute_ps(s4, 0x4E));
    const __m512 s1 = _mm512_add_ps(s2, _mm512_permute_ps(s2, 0xB1));
    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, s1)));
  }

  float maxLane() const { return _mm512_reduce_max_ps(v); }

  static Vec16 expandF16(const uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Vec16 expandBf16(const uint16_t* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
  }
  static Vec16 broadcastF16(uint16_t half) { return {_mm512_set1_ps(_cvtsh_ss(half))}; }
  void storeF16(uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  static Vec16 expandI8(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
  }
  void storeI8(int8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
  }

  // Gathers 32-bit words of two entries each, so that nothing past the table's end is read.
  static Vec16 lookUpF16(const uint16_t* table, Vec16 x) {
    const __m512i index = _mm512_cvtepu16_epi32(_mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
    const __m512i pair = _mm512_i32gather_epi32(_mm512_srli_epi32(index, 1), table, 4);
    const __m512i shift = _mm512_slli_epi32(_mm512_and_si512(index, _mm512_set1_epi32(1)), 4);
    return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srlv_epi32(pair, shift)))};
  }

  static float fmaScalar(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float sqrtScalar(float a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }
};

}  // namespace
}  // namespace tandem::avx512

#endif  // TANDEM_KERNELS_AVX512_VEC16_H_
