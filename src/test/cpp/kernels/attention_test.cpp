#include <algorithm>
#include <cmath>

#include "kernels/kv_testing.h"
#include "kernels/scalar/vec16.h"
#include "kernels/vec_math.h"

namespace tandem {
namespace {

// Random queries of the heads that share a KV head, and its cache. Everything behind the last row's
// position is NaN.
struct Head {
  KvType type;
  int64_t nRows, nHeads, firstPosition, headDim, ldq, ldo, positions;
  float scale;
  std::vector<float> q, out;
  PlainKv kv;

  Head(Random& random, KvType kvType, int64_t rows, int64_t heads, int64_t first, int64_t dim)
      : type(kvType),
        nRows(rows),
        nHeads(heads),
        firstPosition(first),
        headDim(dim),
        ldq(heads * dim + random.between(0, 5)),
        ldo(heads * dim + random.between(0, 5)),
        positions(first + rows),
        scale(1.0F / std::sqrt(static_cast<float>(dim))),
        q(random.reals((rows - 1) * ldq + heads * dim)),
        out(random.reals((rows - 1) * ldo + heads * dim)),
        kv(kvType, dim, first + rows) {
    for (float& x : q) x *= 8.0F;  // scores that make a peaked softmax
    for (int64_t t = 0; t < positions; ++t) {
      kv.setKey(t, random.reals(dim).data());
      kv.setValue(t, random.reals(dim).data());
    }
  }

  // Exactly the scratch that the interface promises, so that sanitizers see one float more.
  std::vector<float> scratch() const {
    return std::vector<float>(static_cast<size_t>(attentionScratchFloats(nRows * nHeads, headDim)),
                              kNaN);
  }
  int64_t nPages() const { return (positions + kKvPage - 1) / kKvPage; }

  AttentionArgs args(std::vector<float>& to, std::vector<float>& scratchFloats) const {
    return {q.data(), kv.k.data(),   kv.v.data(), to.data(), scratchFloats.data(), nullptr, ldq,
            ldo,      kv.rowBytes(), nRows,       nHeads,    firstPosition,        headDim, 0,
            nPages(), scale};
  }

  std::vector<float> run(const char* isa) const {
    std::vector<float> result = out;
    std::vector<float> scratchFloats = scratch();
    kvKernels(isa, type).attention(args(result, scratchFloats));
    return result;
  }

  const float* query(int64_t row, int64_t head) const {
    return q.data() + row * ldq + head * headDim;
  }
};

float exponential(float x) { return vexp(scalar::Vec16::broadcast(x)).lane[0]; }

struct Reduced {
  float max = 0.0F, total = 0.0F;
  std::vector<float> sums;
};

// Positions [begin, end) of one query, as the specification says it.
Reduced reduced(const Head& h, const float* q, int64_t begin, int64_t end) {
  Reduced page;
  std::vector<float> p;
  for (int64_t t = begin; t < end; ++t) {
    float s = 0.0F;
    for (int64_t d = 0; d < h.headDim; ++d) s = std::fma(q[d], h.kv.key(t, d), s);
    p.push_back(s * h.scale);
  }
  page.max = *std::max_element(p.begin(), p.end());
  scalar::Vec16 sum = scalar::Vec16::zero();
  for (size_t i = 0; i < p.size(); ++i) {
    p[i] = exponential(p[i] - page.max);
    sum.lane[i % 16] += p[i];
  }
  page.total = sum.sum();
  for (int64_t d = 0; d < h.headDim; ++d) {
    float s = 0.0F;
    for (int64_t t = begin; t < end; ++t) {
      s = std::fma(p[static_cast<size_t>(t - begin)], h.kv.value(t, d), s);
    }
    page.sums.push_back(s);
  }
  return page;
}

// The specification, written as plainly as possible.
std::vector<float> specified(const Head& h) {
  std::vector<float> out = h.out;
  for (int64_t i = 0; i < h.nRows * h.nHeads; ++i) {
    const int64_t row = i / h.nHeads, head = i % h.nHeads;
    const int64_t n = h.firstPosition + row + 1;
    const float* q = h.query(row, head);
    Reduced all = reduced(h, q, 0, std::min<int64_t>(256, n));
    for (int64_t begin = 256; begin < n; begin += 256) {
      const Reduced page = reduced(h, q, begin, std::min(begin + 256, n));
      const float max = std::max(all.max, page.max);
      const float f = exponential(all.max - max);
      const float g = exponential(page.max - max);
      all.max = max;
      all.total = std::fma(all.total, f, page.total * g);
      for (size_t d = 0; d < all.sums.size(); ++d) {
        all.sums[d] = std::fma(all.sums[d], f, page.sums[d] * g);
      }
    }
    for (int64_t d = 0; d < h.headDim; ++d) {
      out[static_cast<size_t>(row * h.ldo + head * h.headDim + d)] =
          all.sums[static_cast<size_t>(d)] / all.total;
    }
  }
  return out;
}

int64_t randomHeadDim(Random& random) {
  return random.oneOf({1, 2, 8, 10, 16, 18, 32, 33, 48, 64, 80, 96, 112, 128, 130});
}

Head randomHead(uint64_t seed) {
  Random random(seed);
  const KvType type = kAllKvTypes[seed % 3];
  const int64_t rows = random.between(0, 1) == 0 ? 1 : random.between(2, 20);
  const int64_t heads = random.between(0, 1) == 0 ? 1 : random.between(2, 9);
  const int64_t first = random.oneOf({0, random.between(1, 200), random.between(240, 258),
                                      random.between(500, 516), random.between(517, 800)});
  return Head(random, type, rows, heads, first, randomHeadDim(random));
}

std::string describe(const Head& h, uint64_t seed) {
  return "seed " + std::to_string(seed) + " " + kvTypeName(h.type) + " rows " +
         std::to_string(h.nRows) + " heads " + std::to_string(h.nHeads) + " first " +
         std::to_string(h.firstPosition) + " headDim " + std::to_string(h.headDim);
}

// Behind the last of n seeds from the first one on; where few tests run, there are fewer.
uint64_t end(uint64_t first, int64_t n) { return first + static_cast<uint64_t>(caseCount(n, n)); }

TEST(AttentionTest, EveryIsaIsAsSpecified) {
  const int64_t n = caseCount(75, 2000);
  for (uint64_t seed = 1; seed <= static_cast<uint64_t>(n); ++seed) {
    const Head h = randomHead(seed);
    SCOPED_TRACE(describe(h, seed));
    const std::vector<float> expected = specified(h);
    for (const char* isa : availableIsas()) {
      EXPECT_TRUE(sameBits(h.run(isa), expected)) << isa;
    }
    if (HasFailure()) return;
  }
}

// The cache holds f32 of the same values.
TEST(AttentionTest, EveryTypeGivesTheBitsOfItsValuesInF32) {
  for (uint64_t seed = 600; seed < end(600, 40); ++seed) {
    const Head h = randomHead(seed);
    SCOPED_TRACE(describe(h, seed));
    Head f32 = h;
    f32.type = KvType::kF32;
    f32.kv = PlainKv(KvType::kF32, h.headDim, h.positions);
    for (int64_t t = 0; t < h.positions; ++t) {
      std::vector<float> k, v;
      for (int64_t d = 0; d < h.headDim; ++d) {
        k.push_back(h.kv.key(t, d));
        v.push_back(h.kv.value(t, d));
      }
      f32.kv.setKey(t, k.data());
      f32.kv.setValue(t, v.data());
    }
    for (const char* isa : availableIsas()) EXPECT_TRUE(sameBits(h.run(isa), f32.run(isa))) << isa;
  }
}

TEST(AttentionTest, RowsAndHeadsTogetherAreEachAlone) {
  for (const char* isa : availableIsas()) {
    for (uint64_t seed = 200; seed < end(200, 30); ++seed) {
      const Head h = randomHead(seed);
      SCOPED_TRACE(isa + (" " + describe(h, seed)));
      std::vector<float> alone = h.out;
      std::vector<float> scratch = h.scratch();
      for (int64_t row = 0; row < h.nRows; ++row) {
        for (int64_t head = 0; head < h.nHeads; ++head) {
          AttentionArgs a = h.args(alone, scratch);
          a.nRows = 1;
          a.nHeads = 1;
          a.q += row * a.ldq + head * a.headDim;
          a.out += row * a.ldo + head * a.headDim;
          a.firstPosition += row;
          a.pageEnd = a.firstPosition / kKvPage + 1;
          kvKernels(isa, h.type).attention(a);
        }
      }
      EXPECT_TRUE(sameBits(h.run(isa), alone));
    }
  }
}

// Pages reduced in any cut and order, then combined.
TEST(AttentionTest, PagesApartGiveWhatTheyGiveTogether) {
  for (const char* isa : availableIsas()) {
    for (uint64_t seed = 700; seed < end(700, 30); ++seed) {
      const Head h = randomHead(seed);
      SCOPED_TRACE(isa + (" " + describe(h, seed)));
      std::vector<float> apart = h.out;
      std::vector<float> scratch = h.scratch();
      std::vector<float> partials(
          static_cast<size_t>(h.nPages() * h.nRows * h.nHeads * attentionPartialFloats(h.headDim)),
          kNaN);
      AttentionArgs a = h.args(apart, scratch);
      a.partials = partials.data();
      const int64_t cut = static_cast<int64_t>(seed) % h.nPages();
      a.pageBegin = cut;
      kvKernels(isa, h.type).attention(a);
      a.pageBegin = 0;
      a.pageEnd = cut;
      kvKernels(isa, h.type).attention(a);
      kernels(isa).combinePartials(a);
      EXPECT_TRUE(sameBits(apart, h.run(isa)));
    }
  }
}

// A later position's K and V must not matter even when they are infinite.
TEST(AttentionTest, LaterRowsDoNotMatter) {
  for (const KvType type : kAllKvTypes) {
    for (const char* isa : availableIsas()) {
      for (const int64_t first : {21, 250}) {
        SCOPED_TRACE(std::string(kvTypeName(type)) + " " + isa);
        Random random(300);
        Head h(random, type, 12, 2, first, 24);
        const std::vector<float> before = h.run(isa);
        const std::vector<float> infinite(24, std::numeric_limits<float>::infinity());
        h.kv.setKey(first + 9, infinite.data());
        h.kv.setValue(first + 9, infinite.data());
        const std::vector<float> after = h.run(isa);
        const auto cut = static_cast<std::ptrdiff_t>(9 * h.ldo);
        EXPECT_TRUE(
            sameBits({after.begin(), after.begin() + cut}, {before.begin(), before.begin() + cut}));
        EXPECT_FALSE(sameBits(after, before));
      }
    }
  }
}

TEST(AttentionTest, OnePositionGivesItsValue) {
  for (const KvType type : kAllKvTypes) {
    for (const char* isa : availableIsas()) {
      Random random(400);
      const Head h(random, type, 1, 1, 0, 10);
      std::vector<float> value;
      for (int64_t d = 0; d < 10; ++d) value.push_back(h.kv.value(0, d));
      EXPECT_TRUE(sameBits(h.run(isa), value)) << kvTypeName(type) << " " << isa;
    }
  }
}

// Errors in units of 2^-24. A score: headDim + 1 roundings of at most the sum of magnitudes; s -
// max half an ulp; an exponential two. Normalising doubles the relative error of the p, and the
// weighted sum adds one rounding for each position. Adding a page multiplies by an exponential of
// a difference of scores once more, and rounds twice.
TEST(AttentionTest, IsCloseToDouble) {
  for (const int64_t dim : {8, 33, 64, 130}) {
    Random random(static_cast<uint64_t>(500 + dim));
    const Head h(random, kAllKvTypes[dim % 3], 5, 1, dim % 2 == 0 ? 70 : 700, dim);
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
                                 static_cast<double>(h.kv.key(t, d)) * static_cast<double>(h.scale);
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
          const double value = static_cast<double>(h.kv.value(t, d));
          sum += s[static_cast<size_t>(t)] / total * value;
          magnitudes += s[static_cast<size_t>(t)] / total * std::fabs(value);
        }
        actual.push_back(result[static_cast<size_t>(r * h.ldo + d)]);
        expected.push_back(sum);
        const double exponentials = scoreError + 2.0 * range + 2.0;
        const double units =
            2.0 * static_cast<double>(h.nPages()) * exponentials + static_cast<double>(2 * n + 8);
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
