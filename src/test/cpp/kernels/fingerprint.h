// A number that stands for results, so that one processor's can be compared with another's.
//
// The numbers in the tests were taken from the scalar kernels on x86-64. Every table of kernels on
// every processor must give them, so a test that only fails on one kind of machine shows what it
// computes differently, and one that fails everywhere that the arithmetic itself has changed: then
// servers of the old and the new version no longer agree. What the tests compute on must itself be
// the same everywhere: integers, and f32 operations that IEEE 754 rounds, no functions of libm.
#ifndef TANDEM_TEST_KERNELS_FINGERPRINT_H_
#define TANDEM_TEST_KERNELS_FINGERPRINT_H_

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/kernel_testing.h"

namespace tandem {

// FNV-1a over 32-bit words.
class Fingerprint {
 public:
  void addWord(uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) {
      hash_ = (hash_ ^ (word >> shift & 0xFFU)) * 0x100000001B3U;
    }
  }
  // Every NaN counts as the same.
  void addFloat(float x) { addWord(x == x ? bitsOfFloat(x) : 0x7FC00000U); }
  void addFloats(const std::vector<float>& x) {
    for (const float value : x) addFloat(value);
  }
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016" PRIx64, hash_);
    return digits;
  }

 private:
  uint64_t hash_ = 0xCBF29CE484222325U;
};

}  // namespace tandem

#endif  // TANDEM_TEST_KERNELS_FINGERPRINT_H_
