// Integer products of 16 outputs in portable C++: with panel_loops.h the specification of the
// kernels for quantised weights.
#ifndef TANDEM_KERNELS_SCALAR_DOTS_H_
#define TANDEM_KERNELS_SCALAR_DOTS_H_

#include <cstdint>

#include "kernels/scalar/vec16.h"

namespace tandem::scalar {

struct Dots {
  using Vec = Vec16;
  // One whole number for each output.
  struct Ints {
    int32_t lane[16];
  };
  // Four bytes for each output.
  struct Bytes {
    uint8_t lane[16][4];
  };
  struct Four {
    int8_t element[4];
  };

  // Register tiles: the largest number of rows, for few and for many rows, and the panels in a tile
  // with that many rows. kPrefetchBytes: the total distance of the prefetches of the streams
  // through the panels.
  static constexpr int kFewPanelRows = 2;
  static constexpr int kPanelRows = 2;
  static constexpr int panelsOf(int /*rows*/) { return 1; }
  static constexpr int64_t kPrefetchBytes = 6528;
  // The offset that addQ8 leaves in the weights: sums start with -kQ8Zero times the sum of the
  // activations.
  static constexpr int32_t kQ8Zero = 0;

  template <class F>
  static Ints eachLane(F f) {
    Ints r;
    for (int i = 0; i < 16; ++i) r.lane[i] = f(i);
    return r;
  }

  static Ints ints(int32_t x) {
    return eachLane([&](int) { return x; });
  }
  static Bytes load(const uint8_t* p) {
    Bytes r;
    std::memcpy(r.lane, p, sizeof r.lane);
    return r;
  }
  // The same four activations for all outputs.
  static Four broadcast4(const int8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }

  // sum + (w - 128 + kQ8Zero) * x, for w as a Q8Panel stores it.
  static Ints addQ8(const Ints& sum, const Bytes& w, const Four& x) {
    return eachLane([&](int i) { return sum.lane[i] + dot(w.lane[i], 128, x); });
  }
  static Bytes lowNibbles(const Bytes& w) {
    Bytes r;
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 4; ++j) r.lane[i][j] = w.lane[i][j] & 0x0F;
    }
    return r;
  }
  static Bytes highNibbles(const Bytes& w) {
    Bytes r;
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 4; ++j) r.lane[i][j] = w.lane[i][j] >> 4;
    }
    return r;
  }
  // Elements of six bits: nibbles, and as upper two bits those of `pieces` from 2 i on. i <= 3.
  static Bytes sixBits(const Bytes& nibbles, const Bytes& pieces, int i) {
    Bytes r;
    for (int lane = 0; lane < 16; ++lane) {
      for (int j = 0; j < 4; ++j) {
        const int upper = pieces.lane[lane][j] >> 2 * i & 3;
        r.lane[lane][j] = static_cast<uint8_t>(nibbles.lane[lane][j] | upper << 4);
      }
    }
    return r;
  }
  // A sum to which products of small weights are added before it is read as Ints: eight at most of
  // weights from 0 to 15, two of weights from 0 to 63.
  using Small = Ints;
  static Small small(const Ints& start) { return start; }
  static Ints ints(const Small& sum) { return sum; }
  static Small addSmall(const Small& sum, const Bytes& w, const Four& x) {
    return eachLane([&](int i) { return sum.lane[i] + dot(w.lane[i], 0, x); });
  }

  static Vec16 toFloats(const Ints& a) {
    return Vec16::eachLane([&](int i) { return static_cast<float>(a.lane[i]); });
  }

 private:
  static int32_t dot(const uint8_t (&w)[4], int32_t zero, const Four& x) {
    int32_t sum = 0;
    for (int j = 0; j < 4; ++j) sum += (w[j] - zero) * x.element[j];
    return sum;
  }
};

}  // namespace tandem::scalar

#endif  // TANDEM_KERNELS_SCALAR_DOTS_H_
