#include "kernels/kv_testing.h"

namespace tandem {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Rows of all magnitudes, some with what no type can hold.
std::vector<float> randomRows(Random& random, int64_t n) {
  std::vector<float> x = random.reals(n);
  for (float& e : x) e = std::ldexp(e, static_cast<int>(random.between(-30, 22)));
  const auto put = [&](float special) {
    if (random.between(0, 3) == 0) x[static_cast<size_t>(random.between(0, n - 1))] = special;
  };
  put(kNaN);
  put(kInfinity);
  put(-kInfinity);
  put(1e30F);
  put(-65519.0F);
  put(65520.0F);
  put(0x1.004p+0F);  // between two f16
  return x;
}

// What a position reads as; NaNs may differ in sign and payload.
testing::AssertionResult readAlike(const PlainKv& actual, const PlainKv& expected, int64_t begin,
                                   int64_t end, int64_t headDim) {
  std::vector<float> a, b;
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t d = 0; d < headDim; ++d) {
      a.insert(a.end(), {actual.key(t, d), actual.value(t, d)});
      b.insert(b.end(), {expected.key(t, d), expected.value(t, d)});
    }
  }
  return sameBits(a, b);
}

bool onlyNumbers(const std::vector<float>& x) {
  return std::all_of(x.begin(), x.end(), [](float e) { return std::fabs(e) < 8e6F; });
}

TEST(KvStoreTest, EveryIsaStoresAsSpecified) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const int64_t headDim = random.oneOf({1, 2, 8, 15, 16, 31, 32, 33, 63, 64, 80, 96, 128});
    const int64_t nRows = random.between(1, 40);
    const int64_t position = random.between(0, 50);
    const int64_t ldx = headDim + random.between(0, 5);
    const KvType type = kAllKvTypes[random.between(0, 2)];
    SCOPED_TRACE("seed " + std::to_string(seed) + " " + kvTypeName(type) + " headDim " +
                 std::to_string(headDim));
    std::vector<float> x = random.reals((nRows - 1) * ldx + headDim);
    if (random.between(0, 1) == 0) x = randomRows(random, static_cast<int64_t>(x.size()));
    PlainKv expected(type, headDim, position + nRows + 3);
    for (int64_t r = 0; r < nRows; ++r) {
      expected.setKey(position + r, x.data() + r * ldx);
      expected.setValue(position + r, x.data() + r * ldx);
    }
    for (const char* isa : availableIsas()) {
      SCOPED_TRACE(isa);
      PlainKv actual(type, headDim, position + nRows + 3);
      KvStoreArgs args{actual.k.data(), x.data(), actual.rowBytes(), ldx, nRows, position, headDim};
      kvKernels(isa, type).storeKeys(args);
      args.to = actual.v.data();
      kvKernels(isa, type).storeValues(args);
      EXPECT_TRUE(readAlike(actual, expected, position, position + nRows, headDim));
      if (!onlyNumbers(x)) continue;
      EXPECT_EQ(actual.k, expected.k);  // other positions' bytes are as they were
      EXPECT_EQ(actual.v, expected.v);
    }
  }
}

// Half a unit of the last place in f16; in q8_0 half a unit of the scale, whose own rounding to f16
// moves each element by up to 2^-11 of itself.
TEST(KvStoreTest, WhatIsReadIsCloseToWhatWasStored) {
  constexpr int64_t kDim = 64;
  for (const KvType type : kAllKvTypes) {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      SCOPED_TRACE(std::string(kvTypeName(type)) + " seed " + std::to_string(seed));
      Random random(seed);
      const std::vector<float> x = random.reals(kDim);
      PlainKv kv(type, kDim, 1);
      kvKernels("scalar", type)
          .storeValues({kv.v.data(), x.data(), kv.rowBytes(), kDim, 1, 0, kDim});
      std::vector<float> actual;
      std::vector<double> expected, bound;
      for (int64_t d = 0; d < kDim; ++d) {
        const auto block = x.begin() + d / 32 * 32;
        float largest = 0.0F;
        for (auto e = block; e != block + 32; ++e) largest = std::max(largest, std::fabs(*e));
        const double e = x[static_cast<size_t>(d)];
        actual.push_back(kv.value(0, d));
        expected.push_back(e);
        const double m = static_cast<double>(largest);
        bound.push_back(type == KvType::kF32   ? 0.0
                        : type == KvType::kF16 ? std::fabs(e) * 0x1p-11 + 0x1p-25
                                               : m / 127.0 * 0.5 * 1.001);
      }
      EXPECT_TRUE(within(actual, expected, bound));
      EXPECT_FALSE(within(std::vector<float>(actual.size(), 0.0F), expected, bound));
      std::swap_ranges(actual.begin(), actual.begin() + 32, actual.begin() + 32);
      EXPECT_FALSE(within(actual, expected, bound));
    }
  }
}

}  // namespace
}  // namespace tandem
