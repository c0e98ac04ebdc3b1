// What the kernel tests share: random data from a printed seed, the instruction sets of this
// machine, and two comparators (see comparator_test.cpp for their negative controls).
#ifndef TANDEM_TEST_KERNELS_KERNEL_TESTING_H_
#define TANDEM_TEST_KERNELS_KERNEL_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/error.h"
#include "kernels/kernels.h"

namespace tandem {

// Whether tests take all cases that they could.
inline bool longTests() { return std::getenv("TANDEM_LONG_TESTS") != nullptr; }

// Whether tests take few cases, for what makes all code slow: sanitizers, emulators.
inline bool fewTests() { return !longTests() && std::getenv("TANDEM_FEW_TESTS") != nullptr; }

// How many random cases a property is tried on.
inline int64_t caseCount(int64_t quick, int64_t all) {
  if (longTests()) return all;
  return fewTests() ? (quick + 2) / 3 : quick;
}

inline constexpr double kUnit = 0x1p-24;  // unit roundoff of f32
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The instruction sets that this machine has, "scalar" among them.
inline std::vector<const char*> availableIsas() {
  std::vector<const char*> isas;
  for (const char* isa :
       {"scalar", "avx2", "avx512", "avx512vnni", "avx512bf16", "neon", "neondot"}) {
    try {
      kernels(isa);
      isas.push_back(isa);
    } catch (const Error&) {
      // Not on this machine; dispatch_test.cpp covers the message.
    }
  }
  return isas;
}

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // Uniform in [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  int64_t oneOf(const std::vector<int64_t>& choices) {
    return choices[static_cast<size_t>(between(0, static_cast<int64_t>(choices.size()) - 1))];
  }
  // Uniform in [-1, 1), in steps of 2^-23.
  float real() { return static_cast<float>(between(-0x800000, 0x7FFFFF)) * 0x1p-23F; }
  std::vector<float> reals(int64_t n) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = real();
    return v;
  }

 private:
  std::mt19937_64 engine_;
};

inline uint32_t bitsOfFloat(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float floatOfBits(uint32_t bits) {
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline bool sameFloat(float a, float b) {
  return bitsOfFloat(a) == bitsOfFloat(b) || (a != a && b != b);  // any NaN equals any NaN
}

// Equal to the bit; which NaN a NaN is does not count.
inline testing::AssertionResult sameBits(const std::vector<float>& actual,
                                         const std::vector<float>& expected) {
  if (actual.size() != expected.size()) {
    return testing::AssertionFailure() << actual.size() << " elements, want " << expected.size();
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!sameFloat(actual[i], expected[i])) {
      return testing::AssertionFailure() << "element " << i << " of " << actual.size() << ": "
                                         << actual[i] << ", want " << expected[i];
    }
  }
  return testing::AssertionSuccess();
}

// |actual - expected| <= bound, element by element.
inline testing::AssertionResult within(const std::vector<float>& actual,
                                       const std::vector<double>& expected,
                                       const std::vector<double>& bound) {
  if (actual.size() != expected.size() || actual.size() != bound.size()) {
    return testing::AssertionFailure() << actual.size() << " elements, want " << expected.size();
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = static_cast<double>(actual[i]) - expected[i];
    if (!(error <= bound[i] && error >= -bound[i])) {  // also rejects NaN
      return testing::AssertionFailure() << "element " << i << ": " << actual[i] << ", want "
                                         << expected[i] << " +- " << bound[i];
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace tandem

#endif  // TANDEM_TEST_KERNELS_KERNEL_TESTING_H_
