#include <cmath>

#include "kernels/kernel_testing.h"

namespace tandem {
namespace {

// A random product whose buffers end exactly where the last row does, with NaN between the rows.
struct Product {
  int64_t nRows, nIn, nOut, ldx, ldw, ldy, offset;
  bool accumulate;
  std::vector<float> x, w, bias, y;

  Product(Random& random, int64_t rows, int64_t in, int64_t out)
      : nRows(rows),
        nIn(in),
        nOut(out),
        ldx(in + random.between(0, 3)),
        ldw(in + random.between(0, 3)),
        ldy(out + random.between(0, 3)),
        offset(random.between(0, 3)),
        accumulate(random.between(0, 1) == 1) {
    x = matrix(random, nRows, nIn, ldx);
    w = matrix(random, nOut, nIn, ldw);
    y = matrix(random, nRows, nOut, ldy);
    if (random.between(0, 1) == 1) bias = random.reals(nOut);
  }

  std::vector<float> matrix(Random& random, int64_t rows, int64_t cols, int64_t ld) const {
    std::vector<float> m(static_cast<size_t>(offset + (rows - 1) * ld + cols), kNaN);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c)
        m[static_cast<size_t>(offset + r * ld + c)] = random.real();
    }
    return m;
  }

  MatmulArgs<float, float> args(std::vector<float>& out) const {
    return {x.data() + offset,
            w.data() + offset,
            bias.empty() ? nullptr : bias.data(),
            out.data() + offset,
            ldx,
            ldw,
            ldy,
            nRows,
            nIn,
            accumulate};
  }
};

// The specification, written as plainly as possible.
float specified(const MatmulArgs<float, float>& a, int64_t r, int64_t o) {
  float lane[16] = {};
  for (int64_t k = 0; k < (a.nIn + 15) / 16 * 16; ++k) {
    const float xk = k < a.nIn ? a.x[r * a.ldx + k] : 0.0F;
    const float wk = k < a.nIn ? a.w[o * a.ldw + k] : 0.0F;
    lane[k % 16] = std::fma(xk, wk, lane[k % 16]);
  }
  for (int j = 0; j < 8; ++j) lane[j] += lane[j + 8];
  for (int j = 0; j < 4; ++j) lane[j] += lane[j + 4];
  float s = (lane[0] + lane[2]) + (lane[1] + lane[3]);
  if (a.bias != nullptr) s += a.bias[o];
  if (a.accumulate) s += a.y[r * a.ldy + o];
  return s;
}

std::vector<float> specified(const Product& p, int64_t oBegin, int64_t oEnd) {
  std::vector<float> y = p.y;
  const MatmulArgs<float, float> a = p.args(y);
  for (int64_t r = 0; r < a.nRows; ++r) {
    for (int64_t o = oBegin; o < oEnd; ++o) a.y[r * a.ldy + o] = specified(a, r, o);
  }
  return y;
}

void expectEveryIsaAsSpecified(Random& random, const Product& p) {
  const int64_t oBegin = random.between(0, p.nOut);
  const int64_t oEnd = random.between(oBegin, p.nOut);
  const std::vector<float> expected = specified(p, oBegin, oEnd);
  const int64_t cut = random.between(oBegin, oEnd);
  for (const char* isa : availableIsas()) {
    SCOPED_TRACE(isa);
    std::vector<float> y = p.y;
    kernels(isa).matmulF32(p.args(y), oBegin, oEnd);
    EXPECT_TRUE(sameBits(y, expected));
    y = p.y;
    kernels(isa).matmulF32(p.args(y), cut, oEnd);
    kernels(isa).matmulF32(p.args(y), oBegin, cut);
    EXPECT_TRUE(sameBits(y, expected)) << "in two calls";
  }
}

TEST(MatmulTest, EveryIsaAndSplitIsAsSpecified) {
  for (uint64_t seed = 1; seed <= 250; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const int64_t in = random.oneOf({1, 13, 16, 17, 64, 207, random.between(1, 300)});
    expectEveryIsaAsSpecified(random,
                              Product(random, random.between(1, 40), in, random.between(1, 40)));
  }
}

TEST(MatmulTest, EveryRowCountIsAsSpecified) {
  Random random(1000);
  for (int64_t rows = 1; rows <= 40; ++rows) {
    SCOPED_TRACE("rows " + std::to_string(rows));
    expectEveryIsaAsSpecified(random, Product(random, rows, 45, 21));
  }
}

TEST(MatmulTest, LongRowsAreAsSpecified) {
  for (const int64_t in : {767, 768, 1024, 1025, 3072, 4098}) {
    for (const int64_t rows : {1, 2, 7, 25}) {
      SCOPED_TRACE("in " + std::to_string(in) + " rows " + std::to_string(rows));
      Random random(static_cast<uint64_t>(in * 100 + rows));
      expectEveryIsaAsSpecified(random, Product(random, rows, in, 19));
    }
  }
}

// Many rows over several cache blocks, with the row-by-row result as the reference.
TEST(MatmulTest, RowsTogetherAreRowsAlone) {
  Random random(2000);
  const Product p(random, 150, 1100, 70);
  for (const char* isa : availableIsas()) {
    if (isa == std::string("scalar")) continue;  // slow, and compared above
    SCOPED_TRACE(isa);
    std::vector<float> together = p.y;
    kernels(isa).matmulF32(p.args(together), 0, p.nOut);
    std::vector<float> alone = p.y;
    MatmulArgs<float, float> a = p.args(alone);
    a.nRows = 1;
    for (int64_t r = 0; r < p.nRows; ++r, a.x += a.ldx, a.y += a.ldy) {
      kernels(isa).matmulF32(a, 0, p.nOut);
    }
    EXPECT_TRUE(sameBits(together, alone));
  }
}

// A lane adds nIn / 16 products and the tree four more levels, then bias and y: so many roundings
// of partial sums that are at most the sum of magnitudes.
TEST(MatmulTest, IsCloseToDouble) {
  for (const int64_t in : {1, 13, 768, 4098}) {
    SCOPED_TRACE("in " + std::to_string(in));
    Random random(static_cast<uint64_t>(3000 + in));
    const Product p(random, 3, in, 33);
    std::vector<float> y = p.y;
    const MatmulArgs<float, float> a = p.args(y);
    const int64_t roundings = in / 16 + 8;
    std::vector<float> actual;
    std::vector<double> expected;
    std::vector<double> bound;
    for (int64_t r = 0; r < p.nRows; ++r) {
      for (int64_t o = 0; o < p.nOut; ++o) {
        double sum = a.bias != nullptr ? static_cast<double>(a.bias[o]) : 0.0;
        if (a.accumulate) sum += static_cast<double>(a.y[r * a.ldy + o]);
        double magnitudes = 2.0;
        for (int64_t k = 0; k < in; ++k) {
          const double product =
              static_cast<double>(a.x[r * a.ldx + k]) * static_cast<double>(a.w[o * a.ldw + k]);
          sum += product;
          magnitudes += std::fabs(product);
        }
        expected.push_back(sum);
        bound.push_back(static_cast<double>(roundings) * kUnit * magnitudes);
      }
    }
    kernels("scalar").matmulF32(a, 0, p.nOut);
    for (int64_t r = 0; r < p.nRows; ++r) {
      actual.insert(actual.end(), a.y + r * a.ldy, a.y + r * a.ldy + p.nOut);
    }
    EXPECT_TRUE(within(actual, expected, bound));
    EXPECT_FALSE(within(std::vector<float>(actual.size(), 0.0F), expected, bound));
  }
}

TEST(MatmulTest, InfinityAndNanStayInTheirOutputs) {
  for (const char* isa : availableIsas()) {
    SCOPED_TRACE(isa);
    Random random(4000);
    Product p(random, 7, 40, 9);
    p.x[static_cast<size_t>(p.offset + 3 * p.ldx + 39)] = kNaN;
    p.w[static_cast<size_t>(p.offset + 5 * p.ldw + 1)] = std::numeric_limits<float>::infinity();
    std::vector<float> y = p.y;
    kernels(isa).matmulF32(p.args(y), 0, p.nOut);
    for (int64_t r = 0; r < p.nRows; ++r) {
      for (int64_t o = 0; o < p.nOut; ++o) {
        const float value = y[static_cast<size_t>(p.offset + r * p.ldy + o)];
        EXPECT_EQ(std::isfinite(value), r != 3 && o != 5) << r << ", " << o;
      }
    }
  }
}

}  // namespace
}  // namespace tandem
