// Norms, RoPE, add, conversions and the bandwidth probe.
#include <cmath>

#include "bench/probe_loops.h"
#include "kernels/kernel_testing.h"

namespace tandem {
namespace {

const std::vector<int64_t> kSizes = {1, 2, 13, 15, 16, 17, 31, 32, 48, 64, 207, 288, 768, 4098};

std::vector<float> tail(const std::vector<float>& v, int64_t offset) {
  return {v.begin() + offset, v.end()};
}

// The fixed tree over 16 lanes, written as plainly as possible.
float laneSum(const std::vector<float>& terms, bool squares) {
  float lane[16] = {};
  for (size_t i = 0; i < terms.size(); ++i) {
    float& l = lane[i % 16];
    l = squares ? std::fma(terms[i], terms[i], l) : l + terms[i];
  }
  for (int half = 8; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

std::vector<float> layerNormSpecified(const std::vector<float>& x, const std::vector<float>& gain,
                                      const std::vector<float>& bias, float eps) {
  const auto n = static_cast<float>(x.size());
  const float mean = laneSum(x, false) / n;
  std::vector<float> y = x;
  for (float& v : y) v -= mean;
  const float scale = 1.0F / std::sqrt(laneSum(y, true) / n + eps);
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] *= scale;
    y[i] = bias.empty() ? y[i] * gain[i] : std::fma(y[i], gain[i], bias[i]);
  }
  return y;
}

TEST(LayerNormTest, EveryIsaIsAsSpecified) {
  for (const int64_t n : kSizes) {
    for (int64_t offset = 0; offset < 4; ++offset) {
      Random random(static_cast<uint64_t>(n * 4 + offset));
      const std::vector<float> x = random.reals(n + offset);
      const std::vector<float> gain = random.reals(n);
      const std::vector<float> bias = offset % 2 == 0 ? random.reals(n) : std::vector<float>();
      const std::vector<float> expected = layerNormSpecified(tail(x, offset), gain, bias, 1e-5F);
      for (const char* isa : availableIsas()) {
        SCOPED_TRACE(isa + (" n " + std::to_string(n)));
        std::vector<float> y = x;
        kernels(isa).layerNorm(y.data() + offset, y.data() + offset, gain.data(),
                               bias.empty() ? nullptr : bias.data(), n, 1e-5F);
        EXPECT_TRUE(sameBits(tail(y, offset), expected));
      }
    }
  }
}

// Mean and variance lose at most (n / 16 + 8) roundings each; the rest is a handful.
TEST(LayerNormTest, IsCloseToDouble) {
  for (const int64_t n : {13, 768}) {
    Random random(static_cast<uint64_t>(n));
    std::vector<float> x = random.reals(n);
    for (float& v : x) v += 3.0F;  // a mean larger than the deviation, where one pass would fail
    const std::vector<float> gain = random.reals(n);
    const std::vector<float> bias = random.reals(n);
    const int64_t roundings = n / 16 + 12;
    double mean = 0.0;
    for (const float v : x) mean += static_cast<double>(v) / static_cast<double>(n);
    double variance = 0.0;
    for (const float v : x) variance += std::pow(v - mean, 2) / static_cast<double>(n);
    std::vector<double> expected;
    std::vector<double> bound;
    for (size_t i = 0; i < x.size(); ++i) {
      const double d = (x[i] - mean) / std::sqrt(variance + 1e-5) * gain[i];
      expected.push_back(d + bias[i]);
      const double meanError = 4.0 / std::sqrt(variance);  // |x| < 4, relative to the deviation
      bound.push_back(kUnit * static_cast<double>(roundings) * (2.0 + meanError) * 2.0);
    }
    std::vector<float> y(x.size());
    kernels("scalar").layerNorm(y.data(), x.data(), gain.data(), bias.data(), n, 1e-5F);
    EXPECT_TRUE(within(y, expected, bound));
    EXPECT_FALSE(within(x, expected, bound));
  }
}

TEST(RmsNormTest, EveryIsaIsAsSpecified) {
  for (const int64_t n : kSizes) {
    for (int64_t offset = 0; offset < 4; ++offset) {
      Random random(static_cast<uint64_t>(n * 4 + offset));
      const std::vector<float> x = random.reals(n + offset);
      const std::vector<float> gain = random.reals(n);
      std::vector<float> expected = tail(x, offset);
      const float meanSquare = laneSum(expected, true) / static_cast<float>(n);
      const float scale = 1.0F / std::sqrt(meanSquare + 1e-5F);
      for (size_t i = 0; i < expected.size(); ++i) expected[i] = expected[i] * scale * gain[i];
      for (const char* isa : availableIsas()) {
        std::vector<float> y = x;
        kernels(isa).rmsNorm(y.data() + offset, y.data() + offset, gain.data(), n, 1e-5F);
        EXPECT_TRUE(sameBits(tail(y, offset), expected)) << isa << " n " << n;
      }
    }
  }
}

TEST(RopeTest, RotatesPairsOnEveryIsa) {
  for (const bool interleaved : {false, true}) {
    for (const int64_t dim : {2, 8, 10, 48, 64, 128, 130}) {
      Random random(static_cast<uint64_t>(dim));
      const std::vector<float> head = random.reals(dim);
      const std::vector<float> cos = random.reals(dim / 2);
      const std::vector<float> sin = random.reals(dim / 2);
      std::vector<float> expected = head;
      for (int64_t i = 0; i < dim / 2; ++i) {
        const auto a = static_cast<size_t>(interleaved ? 2 * i : i);
        const auto b = static_cast<size_t>(interleaved ? 2 * i + 1 : i + dim / 2);
        const auto j = static_cast<size_t>(i);
        expected[a] = std::fma(head[a], cos[j], -(head[b] * sin[j]));
        expected[b] = std::fma(head[a], sin[j], head[b] * cos[j]);
      }
      for (const char* isa : availableIsas()) {
        std::vector<float> h = head;
        kernels(isa).rope(h.data(), cos.data(), sin.data(), dim, interleaved);
        EXPECT_TRUE(sameBits(h, expected)) << isa << " headDim " << dim;
      }
    }
  }
}

TEST(AddTest, AddsAtAnyLengthAndOffset) {
  for (const int64_t n : kSizes) {
    for (int64_t offset = 0; offset < 4; ++offset) {
      Random random(static_cast<uint64_t>(n * 4 + offset));
      const std::vector<float> x = random.reals(n + offset);
      const std::vector<float> y = random.reals(n);
      std::vector<float> expected = x;
      for (int64_t i = 0; i < n; ++i) {
        expected[static_cast<size_t>(i + offset)] += y[static_cast<size_t>(i)];
      }
      for (const char* isa : availableIsas()) {
        std::vector<float> actual = x;
        kernels(isa).add(actual.data() + offset, y.data(), n);
        EXPECT_TRUE(sameBits(actual, expected)) << isa << " n " << n;
      }
    }
  }
}

// What the 16 bits mean, from the definition of the format.
double halfByDefinition(uint32_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10) & 31U);
  const double fraction = static_cast<double>(bits & 1023U);
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  if (exponent < 31) return sign * std::ldexp(1024.0 + fraction, exponent - 25);
  return fraction == 0.0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
}

TEST(ExpandTest, EveryHalf) {
  std::vector<uint16_t> bits(65536);
  std::vector<float> expected;
  for (uint32_t i = 0; i < 65536; ++i) {
    bits[i] = static_cast<uint16_t>(i);
    expected.push_back(static_cast<float>(halfByDefinition(i)));
  }
  std::vector<float> first(65536);
  for (const char* isa : availableIsas()) {
    std::vector<float> y(65536);
    kernels(isa).expandF16(y.data(), bits.data(), 65536);
    EXPECT_TRUE(sameBits(y, expected)) << isa;
    if (isa == availableIsas().front()) first = y;
    EXPECT_EQ(std::memcmp(y.data(), first.data(), sizeof(float) * y.size()), 0) << "NaN of " << isa;
  }
}

TEST(ExpandTest, EveryBf16) {
  std::vector<uint16_t> bits(65536);
  for (uint32_t i = 0; i < 65536; ++i) bits[i] = static_cast<uint16_t>(i);
  for (const char* isa : availableIsas()) {
    std::vector<float> y(65536);
    kernels(isa).expandBf16(y.data(), bits.data(), 65536);
    for (uint32_t i = 0; i < 65536; ++i) ASSERT_EQ(bitsOfFloat(y[i]), i << 16) << isa;
  }
}

TEST(ExpandTest, AnyLengthAndNothingBehindIt) {
  for (int64_t n = 0; n <= 50; ++n) {
    const std::vector<uint16_t> ones(static_cast<size_t>(n), 0x3C00);
    const std::vector<uint16_t> bf16Ones(static_cast<size_t>(n), 0x3F80);
    for (const char* isa : availableIsas()) {
      std::vector<float> expected(static_cast<size_t>(n), 1.0F);
      expected.push_back(7.0F);
      std::vector<float> y(static_cast<size_t>(n), 0.0F);
      y.push_back(7.0F);
      kernels(isa).expandF16(y.data(), ones.data(), n);
      EXPECT_TRUE(sameBits(y, expected)) << isa << " n " << n;
      std::fill(y.begin(), y.end() - 1, 0.0F);
      kernels(isa).expandBf16(y.data(), bf16Ones.data(), n);
      EXPECT_TRUE(sameBits(y, expected)) << isa << " n " << n;
    }
  }
}

TEST(ReadSumTest, ReadsEveryElementOnce) {
  for (const int64_t n : {0, 1, 15, 16, 127, 128, 129, 1000, 4098}) {
    std::vector<float> x(static_cast<size_t>(n));
    float expected = 0.0F;  // small integers: exact in any order
    for (int64_t i = 0; i < n; ++i)
      expected += x[static_cast<size_t>(i)] = static_cast<float>(i % 7);
    for (const char* isa : availableIsas()) {
      EXPECT_EQ(probeLoops(isa).readSum(x.data(), n), expected) << isa << " n " << n;
    }
  }
}

}  // namespace
}  // namespace tandem
