// The 16 virtual lanes in portable C++. This file and the loops over it specify every kernel; the
// other instruction sets provide the same operations with the same roundings; in unnamed
// namespaces, so that nothing made of them has a name that the linker could take from the object
// file of another processor (isa_symbols.cmake).
#ifndef TANDEM_KERNELS_SCALAR_VEC16_H_
#define TANDEM_KERNELS_SCALAR_VEC16_H_

#include <cmath>
#include <cstdint>

#include "kernels/scalar/half.h"

namespace tandem::scalar {

struct Vec16 {
  struct Mask {
    bool lane[16];
  };

  float lane[16];

  // Tiles, see matmul_loops.h and attention_loops.h; any sizes give the same bits. matmulOutputs:
  // outputs in a tile with that many rows. kMatmulCacheBytes: bytes of w that must stay in the L2
  // cache while all of x is multiplied with them. kPrefetchBytes: the distance of prefetches in a
  // stream through w. attentionGroups: K groups, attentionCols: vectors of V, in a tile with that
  // many queries; powers of two.
  static constexpr int kMatmulRows = 2;
  static constexpr int matmulOutputs(int rows) { return rows == 1 ? 4 : 2; }
  static constexpr int64_t kMatmulCacheBytes = 393216;
  static constexpr int64_t kPrefetchBytes = 1536;
  static constexpr int kAttentionRows = 2;
  static constexpr int attentionGroups(int /*queries*/) { return 1; }
  static constexpr int attentionCols(int /*queries*/) { return 1; }

  // A tile of a matrix product adds slice 0 of the products to all its sums, then slice 1, and so
  // on, so that only one slice of each operand takes registers. addProduct: that slice of *this
  // += a * b.
  static constexpr int kSlices = 1;
  using Slice = Vec16;
  Slice slice(int /*i*/) const { return *this; }
  void addProduct(const Slice& a, const Slice& b, int /*i*/) { *this = fma(a, b, *this); }

  template <class F>
  static Vec16 eachLane(F f) {
    Vec16 r;
    for (int i = 0; i < 16; ++i) r.lane[i] = f(i);
    return r;
  }

  static Vec16 zero() { return broadcast(0.0F); }
  static Vec16 broadcast(float x) {
    return eachLane([&](int) { return x; });
  }
  static Vec16 load(const float* p) {
    return eachLane([&](int i) { return p[i]; });
  }
  // The same, but kept in a register; a compiler would otherwise load it again in each product.
  static Vec16 loadOnce(const float* p) { return load(p); }
  // The first n lanes; the others are zero, and their memory is not touched.
  static Vec16 loadPartial(const float* p, int64_t n) {
    return eachLane([&](int i) { return i < n ? p[i] : 0.0F; });
  }
  // Prefetches the memory that many bytes behind p, which need not exist.
  static void prefetch(const void* /*p*/, int64_t /*bytes*/) {}
  void store(float* p) const { storePartial(p, 16); }
  void storePartial(float* p, int64_t n) const {
    for (int64_t i = 0; i < n; ++i) p[i] = lane[i];
  }

  static Vec16 fma(const Vec16& a, const Vec16& b, const Vec16& c) {
    return eachLane([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
  }
  static Vec16 add(const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Vec16 sub(const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static Vec16 mul(const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static Vec16 div(const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  // The second operand if either is NaN.
  static Vec16 max(const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Vec16 min(const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Vec16 abs(const Vec16& a) {
    return eachLane([&](int i) { return floatOf(bitsOf(a.lane[i]) & 0x7FFFFFFFU); });
  }

  static Mask firstLanes(int64_t n) {
    Mask m;
    for (int i = 0; i < 16; ++i) m.lane[i] = i < n;
    return m;
  }
  static Mask lessEqual(const Vec16& a, const Vec16& b) {
    Mask m;
    for (int i = 0; i < 16; ++i) m.lane[i] = a.lane[i] <= b.lane[i];
    return m;
  }
  static Mask less(const Vec16& a, const Vec16& b) {
    Mask m;
    for (int i = 0; i < 16; ++i) m.lane[i] = a.lane[i] < b.lane[i];
    return m;
  }
  // a if the mask is set, otherwise b.
  static Vec16 select(const Mask& m, const Vec16& a, const Vec16& b) {
    return eachLane([&](int i) { return m.lane[i] ? a.lane[i] : b.lane[i]; });
  }

  // a * 2^n for whole n in [-252, 254], rounded once; NaN if a is. Two steps, so that neither
  // factor leaves the range of normal numbers; only the last one rounds.
  static Vec16 scaleByPowerOf2(const Vec16& a, const Vec16& n) {
    return eachLane([&](int i) {
      if (!(a.lane[i] == a.lane[i])) return a.lane[i];
      const int whole = static_cast<int>(n.lane[i]);
      const int first = whole >> 1;
      return a.lane[i] * powerOf2(first) * powerOf2(whole - first);
    });
  }

  // The fixed tree (j, j + 8), (j, j + 4), (j, j + 2), (j, j + 1).
  float sum() const {
    Vec16 s = *this;
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) s.lane[i] += s.lane[i + half];
    }
    return s.lane[0];
  }
  // out[i] = sum() of the i-th vector.
  static void sum4(const Vec16& a, const Vec16& b, const Vec16& c, const Vec16& d, float* out) {
    out[0] = a.sum();
    out[1] = b.sum();
    out[2] = c.sum();
    out[3] = d.sum();
  }
  // The largest lane; unspecified when one is NaN.
  float maxLane() const {
    float m = lane[0];
    for (int i = 1; i < 16; ++i) m = lane[i] > m ? lane[i] : m;
    return m;
  }

  static Vec16 expandF16(const uint16_t* p) {
    return eachLane([&](int i) { return floatFromHalf(p[i]); });
  }
  static Vec16 expandBf16(const uint16_t* p) {
    return eachLane([&](int i) { return floatOf(static_cast<uint32_t>(p[i]) << 16); });
  }
  static Vec16 broadcastF16(uint16_t half) { return broadcast(floatFromHalf(half)); }
  // Rounded to nearest, ties to even.
  void storeF16(uint16_t* p) const {
    for (int i = 0; i < 16; ++i) p[i] = halfFromFloat(lane[i]);
  }
  static Vec16 expandI8(const int8_t* p) {
    return eachLane([&](int i) { return static_cast<float>(p[i]); });
  }
  // Whole numbers from -127 to 127.
  void storeI8(int8_t* p) const {
    for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(lane[i]);
  }
  // The f16 that the table of 65536 entries holds for x, rounded to f16 (ties to even).
  static Vec16 lookUpF16(const uint16_t* table, const Vec16& x) {
    return eachLane([&](int i) { return floatFromHalf(table[halfFromFloat(x.lane[i])]); });
  }

  static float fmaScalar(float a, float b, float c) { return std::fma(a, b, c); }
  static float sqrtScalar(float a) { return std::sqrt(a); }

 private:
  static float powerOf2(int n) { return floatOf(static_cast<uint32_t>(n + 127) << 23); }
};

}  // namespace tandem::scalar

#endif  // TANDEM_KERNELS_SCALAR_VEC16_H_
