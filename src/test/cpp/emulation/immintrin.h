// The AVX-512 intrinsics that the kernels use, for a processor with AVX2: it tests what they
// compute on machines that cannot run them (TANDEM_EMULATE_AVX512). The core's directories of these
// instruction sets find this file instead of the compiler's, and its functions, in the namespace
// around theirs, hide the compiler's of the same names.
// Each function does, lane by lane, what the pseudocode of Intel's Intrinsics Guide says for the
// arguments that the kernels give it; masked loads and stores touch no lane that is masked out, as
// an address sanitizer can then tell.
#ifndef TANDEM_EMULATION_IMMINTRIN_H_
#define TANDEM_EMULATION_IMMINTRIN_H_

#include_next <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

// NOLINTBEGIN: the names and the signatures are Intel's.
namespace tandem {
namespace emulation {

template <class T, int kBytes = 64>
struct Lanes {
  static constexpr int kCount = kBytes / static_cast<int>(sizeof(T));
  T v[kCount];
  T& operator[](int i) { return v[i]; }
  T operator[](int i) const { return v[i]; }
};

template <class T, class Register>
inline Lanes<T, sizeof(Register)> lanes(Register r) {
  Lanes<T, sizeof(Register)> to;
  std::memcpy(&to, &r, sizeof r);
  return to;
}

template <class Register, class T, int kBytes>
inline Register pack(const Lanes<T, kBytes>& from) {
  static_assert(sizeof(Register) == kBytes);
  Register to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// A register of f(i) for each lane of type T.
template <class T, class Register = __m512i, class F>
inline Register each(F f) {
  Lanes<T, sizeof(Register)> to;
  for (int i = 0; i < to.kCount; ++i) to[i] = static_cast<T>(f(i));
  return pack<Register>(to);
}

template <class F>
inline __m512 eachFloat(F f) {
  return each<float, __m512>(f);
}

template <class Register>
inline Register load(const void* p) {
  Register r;
  std::memcpy(&r, p, sizeof r);
  return r;
}

// The i-th part of a register.
template <class Part, class Register>
inline Part part(const Register& r, int i) {
  return load<Part>(reinterpret_cast<const char*>(&r) + static_cast<size_t>(i) * sizeof(Part));
}

// A register of two halves f(0) and f(1).
template <class Register, class F>
inline Register join(F f) {
  const decltype(f(0)) halves[] = {f(0), f(1)};
  return load<Register>(halves);
}

inline bool isSet(uint64_t mask, int i) { return (mask >> i & 1) != 0; }

inline float flushed(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0F, x) : x;
}

inline float fromBf16(uint16_t b) {
  const uint32_t bits = static_cast<uint32_t>(b) << 16;
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return flushed(x);
}

inline uint16_t toBf16(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  const auto top = static_cast<uint16_t>(bits >> 16);
  if (std::isnan(x)) return static_cast<uint16_t>(top | 0x40U);
  if (std::fpclassify(x) == FP_SUBNORMAL) return static_cast<uint16_t>(top & 0x8000U);
  return static_cast<uint16_t>((bits + 0x7FFFU + (top & 1U)) >> 16);
}

}  // namespace emulation

// ---- Constants, loads and stores ----
inline __m512 _mm512_setzero_ps() { return __m512{}; }
inline __m512i _mm512_setzero_si512() { return __m512i{}; }
inline __m512 _mm512_set1_ps(float x) {
  return emulation::eachFloat([&](int) { return x; });
}
inline __m512i _mm512_set1_epi8(char x) {
  return emulation::each<char>([&](int) { return x; });
}
inline __m512i _mm512_set1_epi16(short x) {
  return emulation::each<int16_t>([&](int) { return x; });
}
inline __m512i _mm512_set1_epi32(int x) {
  return emulation::each<int32_t>([&](int) { return x; });
}
inline __m512 _mm512_loadu_ps(const void* p) { return emulation::load<__m512>(p); }
inline __m512i _mm512_loadu_si512(const void* p) { return emulation::load<__m512i>(p); }
inline __m512 _mm512_maskz_loadu_ps(__mmask16 k, const void* p) {
  const auto* x = static_cast<const float*>(p);
  return emulation::eachFloat([&](int i) { return emulation::isSet(k, i) ? x[i] : 0.0F; });
}
inline __m512i _mm512_maskz_loadu_epi16(__mmask32 k, const void* p) {
  const auto* x = static_cast<const uint16_t*>(p);
  return emulation::each<uint16_t>([&](int i) { return emulation::isSet(k, i) ? x[i] : 0; });
}
inline void _mm512_storeu_ps(void* p, __m512 a) { std::memcpy(p, &a, sizeof a); }
inline void _mm512_mask_storeu_ps(void* p, __mmask16 k, __m512 a) {
  const auto from = emulation::lanes<float>(a);
  for (int i = 0; i < 16; ++i) {
    if (emulation::isSet(k, i)) static_cast<float*>(p)[i] = from[i];
  }
}
inline void _mm256_mask_storeu_epi16(void* p, __mmask16 k, __m256i a) {
  const auto from = emulation::lanes<uint16_t>(a);
  for (int i = 0; i < 16; ++i) {
    if (emulation::isSet(k, i)) static_cast<uint16_t*>(p)[i] = from[i];
  }
}
inline __m512i _mm512_i32gather_epi32(__m512i index, const void* base, int scale) {
  const auto at = emulation::lanes<int32_t>(index);
  return emulation::each<int32_t>([&](int i) {
    int32_t word = 0;
    std::memcpy(&word, static_cast<const char*>(base) + int64_t{at[i]} * scale, sizeof word);
    return word;
  });
}

// ---- Single precision ----
inline __m512 _mm512_add_ps(__m512 a, __m512 b) { return a + b; }
inline __m512 _mm512_sub_ps(__m512 a, __m512 b) { return a - b; }
inline __m512 _mm512_mul_ps(__m512 a, __m512 b) { return a * b; }
inline __m512 _mm512_div_ps(__m512 a, __m512 b) { return a / b; }
inline __m512 _mm512_max_ps(__m512 a, __m512 b) { return a > b ? a : b; }
inline __m512 _mm512_min_ps(__m512 a, __m512 b) { return a < b ? a : b; }
inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  using emulation::part;
  return emulation::join<__m512>([&](int i) {
    return _mm256_fmadd_ps(part<__m256>(a, i), part<__m256>(b, i), part<__m256>(c, i));
  });
}
inline __m512 _mm512_abs_ps(__m512 a) {
  const auto x = emulation::lanes<float>(a);
  return emulation::eachFloat([&](int i) { return std::fabs(x[i]); });
}
// a * 2^floor(b), rounded once.
inline __m512 _mm512_scalef_ps(__m512 a, __m512 b) {
  const auto x = emulation::lanes<float>(a);
  const auto y = emulation::lanes<float>(b);
  return emulation::eachFloat([&](int i) {
    if (std::isnan(y[i])) return y[i];
    const float power = std::clamp(std::floor(y[i]), -1000.0F, 1000.0F);
    return std::scalbn(x[i], static_cast<int>(power));
  });
}
inline __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate) {
  const auto x = emulation::lanes<float>(a);
  const auto y = emulation::lanes<float>(b);
  unsigned mask = 0;
  for (int i = 0; i < 16; ++i) {
    const bool holds = predicate == _CMP_LE_OQ ? x[i] <= y[i] : x[i] < y[i];
    mask |= static_cast<unsigned>(holds) << i;
  }
  return static_cast<__mmask16>(mask);
}
inline __m512 _mm512_mask_blend_ps(__mmask16 k, __m512 a, __m512 b) {
  const auto x = emulation::lanes<float>(a);
  const auto y = emulation::lanes<float>(b);
  return emulation::eachFloat([&](int i) { return emulation::isSet(k, i) ? y[i] : x[i]; });
}
inline float _mm512_reduce_max_ps(__m512 a) {
  auto x = emulation::lanes<float>(a);
  for (int n = 8; n > 0; n /= 2) {
    for (int i = 0; i < n; ++i) x[i] = x[i] > x[i + n] ? x[i] : x[i + n];
  }
  return x[0];
}

// ---- Parts and shuffles ----
inline __m512 _mm512_castsi512_ps(__m512i a) { return emulation::load<__m512>(&a); }
inline __m256 _mm512_castps512_ps256(__m512 a) { return emulation::part<__m256>(a, 0); }
inline __m128 _mm512_castps512_ps128(__m512 a) { return emulation::part<__m128>(a, 0); }
inline __m256 _mm512_extractf32x8_ps(__m512 a, int i) { return emulation::part<__m256>(a, i); }
// Two blocks of four lanes of a, then two of b.
inline __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int control) {
  const auto x = emulation::lanes<float>(a);
  const auto y = emulation::lanes<float>(b);
  return emulation::eachFloat([&](int i) {
    const int block = control >> (2 * (i / 4)) & 3;
    return (i < 8 ? x : y)[4 * block + i % 4];
  });
}
inline __m512 _mm512_permute_ps(__m512 a, int control) {
  const auto x = emulation::lanes<float>(a);
  return emulation::eachFloat([&](int i) { return x[i / 4 * 4 + (control >> (2 * (i % 4)) & 3)]; });
}
inline __m512 _mm512_maskz_compress_ps(__mmask16 k, __m512 a) {
  const auto x = emulation::lanes<float>(a);
  emulation::Lanes<float> to{};
  for (int i = 0, n = 0; i < 16; ++i) {
    if (emulation::isSet(k, i)) to[n++] = x[i];
  }
  return emulation::pack<__m512>(to);
}

// ---- Conversions ----
inline __m512 _mm512_cvtph_ps(__m256i a) {
  return emulation::join<__m512>(
      [&](int i) { return _mm256_cvtph_ps(emulation::part<__m128i>(a, i)); });
}
inline __m256i _mm512_cvtps_ph(__m512 a, int /*to the nearest*/) {
  return emulation::join<__m256i>([&](int i) {
    return _mm256_cvtps_ph(emulation::part<__m256>(a, i), _MM_FROUND_TO_NEAREST_INT);
  });
}
inline __m512 _mm512_cvtepi32_ps(__m512i a) {
  const auto x = emulation::lanes<int32_t>(a);
  return emulation::eachFloat([&](int i) { return static_cast<float>(x[i]); });
}
inline __m512i _mm512_cvtps_epi32(__m512 a) {
  return emulation::join<__m512i>(
      [&](int i) { return _mm256_cvtps_epi32(emulation::part<__m256>(a, i)); });
}
inline __m512i _mm512_cvtepu16_epi32(__m256i a) {
  const auto x = emulation::lanes<uint16_t>(a);
  return emulation::each<int32_t>([&](int i) { return x[i]; });
}
inline __m512i _mm512_cvtepi8_epi32(__m128i a) {
  const auto x = emulation::lanes<int8_t>(a);
  return emulation::each<int32_t>([&](int i) { return x[i]; });
}
inline __m128i _mm512_cvtepi32_epi8(__m512i a) {
  const auto x = emulation::lanes<int32_t>(a);
  return emulation::each<int8_t, __m128i>([&](int i) { return x[i]; });
}
inline __m256i _mm512_cvtepi32_epi16(__m512i a) {
  const auto x = emulation::lanes<int32_t>(a);
  return emulation::each<int16_t, __m256i>([&](int i) { return x[i]; });
}
inline __m256bh _mm512_cvtneps_pbh(__m512 a) {
  const auto x = emulation::lanes<float>(a);
  return emulation::each<uint16_t, __m256bh>([&](int i) { return emulation::toBf16(x[i]); });
}

// ---- Integers ----
inline __m512i _mm512_and_si512(__m512i a, __m512i b) { return a & b; }
inline __m512i _mm512_or_si512(__m512i a, __m512i b) { return a | b; }
inline __m512i _mm512_xor_si512(__m512i a, __m512i b) { return a ^ b; }
inline __m512i _mm512_slli_epi32(__m512i a, unsigned n) {
  const auto x = emulation::lanes<uint32_t>(a);
  return emulation::each<uint32_t>([&](int i) { return n < 32 ? x[i] << n : 0; });
}
inline __m512i _mm512_srli_epi32(__m512i a, unsigned n) {
  const auto x = emulation::lanes<uint32_t>(a);
  return emulation::each<uint32_t>([&](int i) { return n < 32 ? x[i] >> n : 0; });
}
inline __m512i _mm512_srlv_epi32(__m512i a, __m512i n) {
  const auto x = emulation::lanes<uint32_t>(a);
  const auto by = emulation::lanes<uint32_t>(n);
  return emulation::each<uint32_t>([&](int i) { return by[i] < 32 ? x[i] >> by[i] : 0; });
}
inline __m512i _mm512_slli_epi16(__m512i a, unsigned n) {
  const auto x = emulation::lanes<uint16_t>(a);
  return emulation::each<uint16_t>([&](int i) { return n < 16 ? x[i] << n : 0; });
}
inline __m512i _mm512_srli_epi16(__m512i a, unsigned n) {
  const auto x = emulation::lanes<uint16_t>(a);
  return emulation::each<uint16_t>([&](int i) { return n < 16 ? x[i] >> n : 0; });
}
inline __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  const auto x = emulation::lanes<uint32_t>(a);
  const auto y = emulation::lanes<uint32_t>(b);
  return emulation::each<uint32_t>([&](int i) { return x[i] + y[i]; });
}
inline __m512i _mm512_mask_sub_epi8(__m512i source, __mmask64 k, __m512i a, __m512i b) {
  const auto otherwise = emulation::lanes<uint8_t>(source);
  const auto x = emulation::lanes<uint8_t>(a);
  const auto y = emulation::lanes<uint8_t>(b);
  return emulation::each<uint8_t>(
      [&](int i) { return emulation::isSet(k, i) ? x[i] - y[i] : otherwise[i]; });
}
inline __mmask64 _mm512_movepi8_mask(__m512i a) {
  const auto x = emulation::lanes<int8_t>(a);
  __mmask64 mask = 0;
  for (int i = 0; i < 64; ++i) mask |= static_cast<__mmask64>(x[i] < 0) << i;
  return mask;
}
inline __m512i _mm512_abs_epi8(__m512i a) {
  const auto x = emulation::lanes<int8_t>(a);
  return emulation::each<uint8_t>([&](int i) { return x[i] < 0 ? -x[i] : x[i]; });
}
// Products of unsigned and signed bytes, added in pairs with saturation.
inline __m512i _mm512_maddubs_epi16(__m512i a, __m512i b) {
  const auto x = emulation::lanes<uint8_t>(a);
  const auto y = emulation::lanes<int8_t>(b);
  return emulation::each<int16_t>([&](int i) {
    const int sum = x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
    return std::clamp(sum, -32768, 32767);
  });
}
inline __m512i _mm512_madd_epi16(__m512i a, __m512i b) {
  const auto x = emulation::lanes<int16_t>(a);
  const auto y = emulation::lanes<int16_t>(b);
  return emulation::each<int32_t>(
      [&](int i) { return x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]; });
}

// ---- VNNI and BF16 ----
// Four products of unsigned and signed bytes, added to 32 bits that wrap around.
inline __m512i _mm512_dpbusd_epi32(__m512i sum, __m512i a, __m512i b) {
  const auto start = emulation::lanes<uint32_t>(sum);
  const auto x = emulation::lanes<uint8_t>(a);
  const auto y = emulation::lanes<int8_t>(b);
  return emulation::each<uint32_t>([&](int i) {
    int products = 0;
    for (int j = 4 * i; j < 4 * i + 4; ++j) products += x[j] * y[j];
    return start[i] + static_cast<uint32_t>(products);
  });
}
// The second product of each pair is added first; subnormals count as zeros.
inline __m512 _mm512_dpbf16_ps(__m512 sum, __m512bh a, __m512bh b) {
  const auto start = emulation::lanes<float>(sum);
  const auto x = emulation::lanes<uint16_t>(a);
  const auto y = emulation::lanes<uint16_t>(b);
  return emulation::eachFloat([&](int i) {
    float t = emulation::flushed(start[i]);
    for (int j = 2 * i + 1; j >= 2 * i; --j) {
      t = emulation::flushed(
          __builtin_fmaf(emulation::fromBf16(x[j]), emulation::fromBf16(y[j]), t));
    }
    return t;
  });
}

}  // namespace tandem
// NOLINTEND

#endif  // TANDEM_EMULATION_IMMINTRIN_H_
