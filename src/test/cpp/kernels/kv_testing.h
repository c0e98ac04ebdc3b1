// The KV cache of one head, written as plainly as kernels/kv_layout.h says it.
#ifndef TANDEM_TEST_KERNELS_KV_TESTING_H_
#define TANDEM_TEST_KERNELS_KV_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/kernels.h"
#include "kernels/scalar/half.h"

namespace tandem {

inline constexpr KvType kAllKvTypes[] = {KvType::kF32, KvType::kF16, KvType::kQ8};

inline const char* kvTypeName(KvType type) {
  return type == KvType::kF32 ? "f32" : type == KvType::kF16 ? "f16" : "q8_0";
}

inline const KvKernels& kvKernels(const char* isa, KvType type) {
  return kernels(isa).kv[static_cast<int>(type)];
}

// Not a byte more than the layout has; all NaN until written.
class PlainKv {
 public:
  PlainKv(KvType type, int64_t headDim, int64_t positions)
      : type_(type), headDim_(headDim), rowBytes_(kvRowBytes(type, headDim)) {
    const int64_t groups = (positions + kKvGroup - 1) / kKvGroup;
    k.assign(static_cast<size_t>(groups * kKvGroup * rowBytes_), 0xFF);
    v.assign(static_cast<size_t>(positions * rowBytes_), 0xFF);
  }

  int64_t rowBytes() const { return rowBytes_; }

  void setKey(int64_t t, const float* x) { set(k.data(), x, t, true); }
  void setValue(int64_t t, const float* x) { set(v.data(), x, t, false); }
  float key(int64_t t, int64_t d) const { return get(k.data(), t, d, true); }
  float value(int64_t t, int64_t d) const { return get(v.data(), t, d, false); }

  std::vector<unsigned char> k, v;

 private:
  // Where element d of position t lies, and the scale of its block.
  struct Place {
    int64_t element, scale;
  };
  Place place(int64_t t, int64_t d, bool isKey) const {
    const int64_t width = type_ == KvType::kF32 ? 4 : type_ == KvType::kF16 ? 2 : 1;
    const int64_t scaleBytes = type_ == KvType::kQ8 ? 2 : 0;
    const int64_t blockBytes = scaleBytes + 32 * width;
    if (!isKey) {
      const int64_t block = t * rowBytes_ + d / 32 * blockBytes;
      return {block + scaleBytes + d % 32 * width, block};
    }
    const int64_t block = (t / 16 * rowBytes_ + d / 32 * blockBytes) * 16;
    return {block + scaleBytes * 16 + (d % 32 * 16 + t % 16) * width, block + t % 16 * 2};
  }

  void set(unsigned char* to, const float* x, int64_t t, bool isKey) {
    for (int64_t d = 0; d < headDim_; ++d) {
      const Place at = place(t, d, isKey);
      if (type_ == KvType::kF32) {
        std::memcpy(to + at.element, x + d, 4);
      } else if (type_ == KvType::kF16) {
        const uint16_t half = scalar::halfFromFloat(x[d]);
        std::memcpy(to + at.element, &half, 2);
      } else {
        const int64_t first = d / 32 * 32;
        const uint16_t scale = scaleOf(x + first, std::min<int64_t>(32, headDim_ - first));
        const float s = scalar::floatFromHalf(scale);
        float q = 0.0F;
        if (s > 0.0F && s <= 65504.0F) {
          q = std::nearbyint(x[d] * (1.0F / s));
          q = std::min(127.0F, std::max(-127.0F, q));
        }
        const auto byte = static_cast<int8_t>(q);
        std::memcpy(to + at.element, &byte, 1);
        std::memcpy(to + at.scale, &scale, 2);
      }
    }
  }

  static uint16_t scaleOf(const float* x, int64_t n) {
    float m = 0.0F;
    for (int64_t i = 0; i < n; ++i) {
      if (!std::isfinite(x[i])) return 0x7E00;
      m = std::max(m, std::fabs(x[i]));
    }
    return scalar::halfFromFloat(m / 127.0F);
  }

  float get(const unsigned char* from, int64_t t, int64_t d, bool isKey) const {
    const Place at = place(t, d, isKey);
    if (type_ == KvType::kF32) {
      float x = 0.0F;
      std::memcpy(&x, from + at.element, 4);
      return x;
    }
    uint16_t half = 0;
    if (type_ == KvType::kF16) {
      std::memcpy(&half, from + at.element, 2);
      return scalar::floatFromHalf(half);
    }
    int8_t q = 0;
    std::memcpy(&q, from + at.element, 1);
    std::memcpy(&half, from + at.scale, 2);
    return static_cast<float>(q) * scalar::floatFromHalf(half);
  }

  KvType type_;
  int64_t headDim_, rowBytes_;
};

}  // namespace tandem

#endif  // TANDEM_TEST_KERNELS_KV_TESTING_H_
