#include <algorithm>
#include <cmath>

#include "kernels/kernel_testing.h"
#include "kernels/scalar/vec16.h"
#include "kernels/vec_math.h"

namespace tandem {
namespace {

// One head's random queries and cache. Everything behind the last row's position is NaN.
struct Head {
  int64_t nRows, firstPosition, headDim, ldq, ldo, positions, panels;
  float scale;
  std::vector<float> q, k, v, out;

  Head(Random& random, int64_t rows, int64_t first, int64_t dim)
      : nRows(rows),
        firstPosition(first),
        headDim(dim),
        ldq(dim + random.between(0, 5)),
        ldo(dim + random.between(0, 5)),
        positions(first + rows),
        panels((positions + kKvPanel - 1) / kKvPanel),
        scale(1.0F / std::sqrt(static_cast<float>(dim))),
        q(random.reals((rows - 1) * ldq + dim)),
        k(static_cast<size_t>(panels * dim * kKvPanel), kNaN),
        v(static_cast<size_t>((positions + 3) * dim), kNaN),
        out(random.reals((rows - 1) * ldo + dim)) {
    for (float& x : q) x *= 8.0F;  // scores that make a peaked softmax
    for (int64_t t = 0; t < positions; ++t) {
      for (int64_t d = 0; d < dim; ++d) {
        k[kIndex(t, d)] = random.real();
        v[static_cast<size_t>(t * dim + d)] = random.real();
      }
    }
  }

  size_t kIndex(int64_t t, int64_t d) const {
    return static_cast<size_t>((t / kKvPanel * headDim + d) * kKvPanel + t % kKvPanel);
  }

  // Exactly the scratch that the interface promises, so that sanitizers see one float more.
  std::vector<float> scratch() const {
    return std::vector<float>(static_cast<size_t>(attentionScratchFloats(nRows, positions)));
  }

  AttentionArgs args(std::vector<float>& to, std::vector<float>& scratchFloats) const {
    return {q.data(), k.data(),      v.data(), to.data(), scratchFloats.data(), ldq, ldo,
            nRows,    firstPosition, headDim,  scale};
  }

  std::vector<float> run(const char* isa) const {
    std::vector<float> result = out;
    std::vector<float> scratchFloats = scratch();
    kernels(isa).attention(args(result, scratchFloats));
    return result;
  }
};

float exponential(float x) { return vexp(scalar::Vec16::broadcast(x)).lane[0]; }

// The specification, written as plainly as possible.
std::vector<float> specified(const Head& h) {
  std::vector<float> out = h.out;
  for (int64_t r = 0; r < h.nRows; ++r) {
    const int64_t n = h.firstPosition + r + 1;
    std::vector<float> p(static_cast<size_t>(n));
    for (int64_t t = 0; t < n; ++t) {
      float s = 0.0F;
      for (int64_t d = 0; d < h.headDim; ++d) {
        s = std::fma(h.q[static_cast<size_t>(r * h.ldq + d)], h.k[h.kIndex(t, d)], s);
      }
      p[static_cast<size_t>(t)] = s * h.scale;
    }
    const float max = *std::max_element(p.begin(), p.end());
    scalar::Vec16 sum = scalar::Vec16::zero();
    for (size_t t = 0; t < p.size(); ++t) {
      p[t] = exponential(p[t] - max);
      sum.lane[t % 16] += p[t];
    }
    for (int64_t d = 0; d < h.headDim; ++d) {
      float s = 0.0F;
      for (int64_t t = 0; t < n; ++t) {
        s = std::fma(p[static_cast<size_t>(t)], h.v[static_cast<size_t>(t * h.headDim + d)], s);
      }
      out[static_cast<size_t>(r * h.ldo + d)] = s / sum.sum();
    }
  }
  return out;
}

int64_t randomHeadDim(Random& random) {
  return random.oneOf({2, 8, 10, 16, 18, 32, 48, 64, 80, 96, 112, 128, 130});
}

TEST(AttentionTest, EveryIsaIsAsSpecified) {
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    Random random(seed);
    const int64_t first = random.between(0, 3) == 0 ? 0 : random.between(0, 180);
    const Head h(random, random.between(1, 20), first, randomHeadDim(random));
    SCOPED_TRACE("seed " + std::to_string(seed) + " rows " + std::to_string(h.nRows) + " first " +
                 std::to_string(first) + " headDim " + std::to_string(h.headDim));
    const std::vector<float> expected = specified(h);
    for (const char* isa : availableIsas()) {
      EXPECT_TRUE(sameBits(h.run(isa), expected)) << isa;
    }
  }
}

TEST(AttentionTest, RowsTogetherAreRowsAlone) {
  for (const char* isa : availableIsas()) {
    for (uint64_t seed = 200; seed < 210; ++seed) {
      SCOPED_TRACE(isa + (" seed " + std::to_string(seed)));
      Random random(seed);
      const Head h(random, random.between(2, 40), random.between(0, 60), randomHeadDim(random));
      std::vector<float> alone = h.out;
      std::vector<float> scratch = h.scratch();
      AttentionArgs a = h.args(alone, scratch);
      a.nRows = 1;
      for (int64_t r = 0; r < h.nRows; ++r) {
        kernels(isa).attention(a);
        a.q += a.ldq;
        a.out += a.ldo;
        ++a.firstPosition;
      }
      EXPECT_TRUE(sameBits(h.run(isa), alone));
    }
  }
}

// A later position's K and V must not matter even when they are infinite.
TEST(AttentionTest, LaterRowsDoNotMatter) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const char* isa : availableIsas()) {
    SCOPED_TRACE(isa);
    Random random(300);
    Head h(random, 12, 21, 24);
    const std::vector<float> before = h.run(isa);
    for (int64_t d = 0; d < h.headDim; ++d) {
      h.k[h.kIndex(h.firstPosition + 9, d)] = infinity;
      h.v[static_cast<size_t>((h.firstPosition + 9) * h.headDim + d)] = infinity;
    }
    const std::vector<float> after = h.run(isa);
    const auto cut = static_cast<std::ptrdiff_t>(9 * h.ldo);
    EXPECT_TRUE(
        sameBits({after.begin(), after.begin() + cut}, {before.begin(), before.begin() + cut}));
    EXPECT_FALSE(sameBits(after, before));
  }
}

TEST(AttentionTest, OnePositionGivesItsValue) {
  for (const char* isa : availableIsas()) {
    Random random(400);
    const Head h(random, 1, 0, 10);
    EXPECT_TRUE(sameBits(h.run(isa), {h.v.begin(), h.v.begin() + 10})) << isa;
  }
}

// Errors in units of 2^-24. A score: headDim + 1 roundings of at most the sum of magnitudes; s -
// max half an ulp; an exponential two. Normalising doubles the relative error of the p, and the
// weighted sum adds one rounding for each position.
TEST(AttentionTest, IsCloseToDouble) {
  for (const int64_t dim : {8, 64, 130}) {
    Random random(static_cast<uint64_t>(500 + dim));
    const Head h(random, 5, 70, dim);
    std::vector<float> actual;
    std::vector<double> expected;
    std::vector<double> bound;
    const std::vector<float> result = h.run("scalar");
    for (int64_t r = 0; r < h.nRows; ++r) {
      const int64_t n = h.firstPosition + r + 1;
      std::vector<double> s(static_cast<size_t>(n));
      double scoreError = 0.0;
      double range = 0.0;
      for (int64_t t = 0; t < n; ++t) {
        double magnitudes = 0.0;
        double& score = s[static_cast<size_t>(t)];
        for (int64_t d = 0; d < dim; ++d) {
          const double product = static_cast<double>(h.q[static_cast<size_t>(r * h.ldq + d)]) *
                                 static_cast<double>(h.k[h.kIndex(t, d)]) *
                                 static_cast<double>(h.scale);
          score += product;
          magnitudes += std::fabs(product);
        }
        scoreError = std::max(scoreError, static_cast<double>(dim + 1) * magnitudes);
        range = std::max(range, std::fabs(score));
      }
      double total = 0.0;
      for (double& x : s) total += x = std::exp(x);
      for (int64_t d = 0; d < dim; ++d) {
        double sum = 0.0;
        double magnitudes = 0.0;
        for (int64_t t = 0; t < n; ++t) {
          const double value = static_cast<double>(h.v[static_cast<size_t>(t * dim + d)]);
          sum += s[static_cast<size_t>(t)] / total * value;
          magnitudes += s[static_cast<size_t>(t)] / total * std::fabs(value);
        }
        actual.push_back(result[static_cast<size_t>(r * h.ldo + d)]);
        expected.push_back(sum);
        const double units =
            2.0 * (scoreError + 2.0 * range + 2.0) + static_cast<double>(2 * n + 8);
        bound.push_back(units * kUnit * magnitudes);
      }
    }
    EXPECT_TRUE(within(actual, expected, bound)) << dim;
    EXPECT_FALSE(within(std::vector<float>(actual.size(), 0.0F), expected, bound));
    std::rotate(actual.begin(), actual.begin() + dim, actual.end());
    EXPECT_FALSE(within(actual, expected, bound)) << "rows in another order";
  }
}

}  // namespace
}  // namespace tandem
