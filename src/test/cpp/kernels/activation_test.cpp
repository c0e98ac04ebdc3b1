#include <array>
#include <cmath>

#include "kernels/kernel_testing.h"
#include "kernels/scalar/vec16.h"
#include "kernels/vec_math.h"

namespace tandem {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const uint32_t kStep = longTests() ? 1009 : 8087;  // of what is swept over

// |actual - expected| in units of the last place of f32 at expected (2^-149 for subnormals).
double ulps(float actual, double expected) {
  int exponent = 0;
  std::frexp(expected, &exponent);
  const double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::fabs(static_cast<double>(actual) - expected) / ulp;
}

double normalTailExact(double a) { return 0.5 * std::erfc(a * std::sqrt(0.5)); }

double geluTanhExact(double x) {
  return x / (1.0 + std::exp(-2.0 * std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

double activationExact(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::kGeluTanh:
      return geluTanhExact(x);
    case ActivationKind::kGeluErf:
      return x * normalTailExact(-x);
    default:
      return x / (1.0 + std::exp(-x));
  }
}

// Every `stride`-th float of [low, high], by their bits, with a fixed lane for each.
template <class F>
void sweep(float low, float high, uint32_t stride, F f) {
  const auto ordered = [](float x) {
    const uint32_t bits = bitsOfFloat(x);
    return (bits & 0x80000000U) != 0 ? 0x80000000LL - static_cast<int64_t>(bits)
                                     : static_cast<int64_t>(bits);
  };
  for (int64_t i = ordered(low); i <= ordered(high); i += stride) {
    f(floatOfBits(i >= 0 ? static_cast<uint32_t>(i) : static_cast<uint32_t>(0x80000000LL - i)));
  }
}

float exponential(float x) { return vexp(scalar::Vec16::broadcast(x)).lane[0]; }

float normalTailOf(float x) { return normalTail(scalar::Vec16::broadcast(x)).lane[0]; }

std::vector<float> activated(const char* isa, const std::vector<float>& x, ActivationKind kind,
                             const uint16_t* table) {
  std::vector<float> y(x.size());
  kernels(isa).activate(y.data(), x.data(), nullptr, static_cast<int64_t>(x.size()), kind, table);
  return y;
}

// Dense values, subnormals, limits and their neighbours, infinities, NaN.
std::vector<float> activationInputs() {
  std::vector<float> x;
  sweep(-130.0F, 130.0F, 20011, [&](float v) { x.push_back(v); });
  for (const float limit : {0.0F, 9.999F, 10.0F, 20.0F, 87.5F, 88.8F, 103.9F, 104.0F, 87.0F, 1e30F,
                            0x1p-126F, 0x1p-149F, 65503.0F, 65520.0F}) {
    for (const float sign : {-1.0F, 1.0F}) {
      const float v = sign * limit;
      x.insert(x.end(), {v, std::nextafter(v, kInfinity), std::nextafter(v, -kInfinity)});
    }
  }
  x.insert(x.end(), {kInfinity, -kInfinity, kNaN, -kNaN});
  return x;
}

constexpr std::array<ActivationKind, 3> kKinds = {ActivationKind::kGeluTanh,
                                                  ActivationKind::kGeluErf, ActivationKind::kSilu};

TEST(ExponentialTest, IsWithinOneUlp) {
  double worst = 0.0;
  float where = 0.0F;
  sweep(-104.0F, 88.7F, kStep, [&](float x) {
    const double error = ulps(exponential(x), std::exp(static_cast<double>(x)));
    if (error > worst) where = x;
    worst = std::max(worst, error);
  });
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LE(worst, 1.0) << "at " << where;
  EXPECT_GT(worst, 0.5) << "no test is that good";
}

TEST(ExponentialTest, SpecialValues) {
  EXPECT_EQ(exponential(0.0F), 1.0F);
  EXPECT_EQ(exponential(-0.0F), 1.0F);
  EXPECT_EQ(exponential(0x1p-149F), 1.0F);
  EXPECT_EQ(exponential(kInfinity), kInfinity);
  EXPECT_EQ(exponential(89.0F), kInfinity);
  EXPECT_EQ(exponential(3e38F), kInfinity);
  EXPECT_EQ(bitsOfFloat(exponential(-kInfinity)), 0U);
  EXPECT_EQ(bitsOfFloat(exponential(-3e38F)), 0U);
  EXPECT_EQ(bitsOfFloat(exponential(-103.0F)), 1U);  // e^-103 is 1.3 times 2^-149
  EXPECT_TRUE(std::isnan(exponential(kNaN)));
}

TEST(NormalTailTest, IsWithinFourUlp) {
  double worst = 0.0;
  float where = 0.0F;
  sweep(0.0F, 10.0F, kStep, [&](float a) {
    const double error = ulps(normalTailOf(a), normalTailExact(static_cast<double>(a)));
    if (error > worst) where = a;
    worst = std::max(worst, error);
  });
  RecordProperty("worst", std::to_string(worst));
  EXPECT_LE(worst, 4.0) << "at " << where;
  EXPECT_EQ(normalTailOf(0.0F), 0.5F);
}

// For x > 0 a few ulp. For x < 0 the exponent's rounding counts as well: -2u is wrong by up to two
// units of 2^-24 relative, and e^-2u by |2u| times as much. SiLU's exponent is exact.
TEST(ActivationTest, FormulaIsCloseToDouble) {
  for (const ActivationKind kind : kKinds) {
    const bool silu = kind == ActivationKind::kSilu;
    std::vector<float> x;
    sweep(silu ? -87.0F : -10.0F, silu ? 87.0F : 10.0F, 5003, [&](float v) { x.push_back(v); });
    const std::vector<float> y = activated("scalar", x, kind, nullptr);
    double worst = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::fabs(x[i]) >= (silu ? 87.0F : 10.0F)) continue;
      const double xi = static_cast<double>(x[i]);
      const double twoU = 1.5957691216 * std::fabs(xi + 0.044715 * xi * xi * xi);
      const double allowed = kind == ActivationKind::kGeluTanh ? 4.0 + 4.0 * twoU : 4.0;
      const double error = ulps(y[i], activationExact(kind, xi));
      EXPECT_LE(error, allowed) << static_cast<int>(kind) << " at " << x[i];
      worst = std::max(worst, error);
    }
    RecordProperty("worst" + std::to_string(static_cast<int>(kind)), std::to_string(worst));
    EXPECT_GT(worst, 0.5) << "no test is that good";
  }
}

TEST(ActivationTest, FormulaSpecialValues) {
  for (const char* isa : availableIsas()) {
    for (const ActivationKind kind : kKinds) {
      const std::vector<float> y = activated(
          isa, {0.0F, -0.0F, kInfinity, -kInfinity, kNaN, 3e38F, -3e38F, -87.0F}, kind, nullptr);
      EXPECT_TRUE(sameBits(y, {0.0F, -0.0F, kInfinity, 0.0F, kNaN, 3e38F, 0.0F, 0.0F})) << isa;
    }
  }
}

TEST(ActivationTest, FormulaHasTheSameBitsOnEveryIsa) {
  const std::vector<float> x = activationInputs();
  for (const ActivationKind kind : kKinds) {
    const std::vector<float> expected = activated("scalar", x, kind, nullptr);
    for (const char* isa : availableIsas()) {
      EXPECT_TRUE(sameBits(activated(isa, x, kind, nullptr), expected)) << isa;
    }
  }
}

// A table in which every entry differs from its neighbours, NaN patterns included.
std::vector<uint16_t> scrambledTable() {
  std::vector<uint16_t> table(65536);
  for (uint32_t i = 0; i < 65536; ++i) table[i] = static_cast<uint16_t>(i * 40503U + 12345U);
  return table;
}

TEST(ActivationTest, TableGivesExactlyItsEntryForEveryHalf) {
  const std::vector<uint16_t> table = scrambledTable();
  std::vector<float> x;
  for (uint32_t h = 0; h < 65536; ++h) x.push_back(scalar::floatFromHalf(static_cast<uint16_t>(h)));
  for (const char* isa : availableIsas()) {
    for (const ActivationKind kind : kKinds) {
      const float limit = kind == ActivationKind::kSilu ? 20.0F : 10.0F;
      const std::vector<float> y = activated(isa, x, kind, table.data());
      for (uint32_t h = 0; h < 65536; ++h) {
        float expected = scalar::floatFromHalf(table[h]);
        if (!(std::fabs(x[h]) < limit)) expected = x[h] < 0.0F ? 0.0F : x[h];
        ASSERT_TRUE(sameFloat(y[h], expected)) << isa << " half " << h << ": " << y[h];
      }
    }
  }
}

// Between two halves the nearer one's entry, at the middle the even one's.
TEST(ActivationTest, TableInputIsRoundedToNearestEven) {
  const std::vector<uint16_t> table = scrambledTable();
  std::vector<float> x;
  std::vector<float> expected;
  for (uint16_t h = 0; h < 0x48FF; ++h) {  // up to 10
    const float low = scalar::floatFromHalf(h);
    const float middle = 0.5F * (low + scalar::floatFromHalf(static_cast<uint16_t>(h + 1)));
    const auto up = static_cast<uint16_t>(h + 1);
    const uint16_t even = (h & 1) == 0 ? h : up;
    for (const bool negative : {false, true}) {
      const float s = negative ? -1.0F : 1.0F;
      const auto entry = [&](uint16_t half) {
        return scalar::floatFromHalf(table[static_cast<uint16_t>(negative ? half | 0x8000 : half)]);
      };
      x.insert(x.end(), {s * middle, s * std::nextafter(middle, 0.0F),
                         s * std::nextafter(middle, kInfinity)});
      expected.insert(expected.end(), {entry(even), entry(h), entry(up)});
    }
  }
  for (const char* isa : availableIsas()) {
    EXPECT_TRUE(sameBits(activated(isa, x, ActivationKind::kGeluTanh, table.data()), expected))
        << isa;
  }
}

TEST(ActivationTest, MultipliesByUpInPlaceAtAnyLength) {
  const std::vector<uint16_t> table = scrambledTable();
  Random random(1);
  for (int64_t n = 1; n <= 70; ++n) {
    const std::vector<float> x = random.reals(n);
    const std::vector<float> up = random.reals(n);
    for (const uint16_t* t : {table.data(), static_cast<const uint16_t*>(nullptr)}) {
      std::vector<float> expected = activated("scalar", x, ActivationKind::kSilu, t);
      for (size_t i = 0; i < expected.size(); ++i) expected[i] *= up[i];
      for (const char* isa : availableIsas()) {
        std::vector<float> y = x;
        kernels(isa).activate(y.data(), y.data(), up.data(), n, ActivationKind::kSilu, t);
        EXPECT_TRUE(sameBits(y, expected)) << isa << " n " << n;
      }
    }
  }
}

}  // namespace
}  // namespace tandem
