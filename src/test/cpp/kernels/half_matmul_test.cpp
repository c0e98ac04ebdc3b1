// Products with weights of 16 bits.
#include <cmath>

#include "kernels/kernel_testing.h"
#include "kernels/scalar/half.h"

namespace tandem {
namespace {

using HalfArgs = MatmulArgs<float, uint16_t>;

float fromBf16(uint16_t bits) { return floatOfBits(static_cast<uint32_t>(bits) << 16); }

struct Type {
  const char* name;
  void (*KernelTable::*kernel)(const HalfArgs&, int64_t, int64_t);
  float (*decode)(uint16_t);
};
const Type kTypes[] = {{"f16", &KernelTable::matmulF16, &scalar::floatFromHalf},
                       {"bf16", &KernelTable::matmulBf16, &fromBf16}};

// Random bits: subnormals and both zeros among them, but no infinity or NaN, and no exponent that
// would make everything else in a sum disappear.
uint16_t randomWeight(Random& random, const Type& type) {
  for (;;) {
    const auto bits = static_cast<uint16_t>(random.between(0, 0xFFFF));
    const float value = std::fabs(type.decode(bits));
    if (value <= 4.0F && (value >= 0x1p-30F || random.between(0, 50) == 0)) return bits;
  }
}

// A product whose buffers end exactly where the last row does.
struct Product {
  int64_t nRows, nIn, nOut, ldx, ldw;
  bool accumulate;
  std::vector<float> x, bias, y, w32;
  std::vector<uint16_t> w;

  Product(Random& random, const Type& type, int64_t rows, int64_t in, int64_t out)
      : nRows(rows),
        nIn(in),
        nOut(out),
        ldx(in + random.between(0, 3)),
        ldw(in + random.between(0, 3)),
        accumulate(random.between(0, 1) == 1),
        x(random.reals((rows - 1) * ldx + in)),
        y(random.reals(rows * out)) {
    for (int64_t i = 0; i < (out - 1) * ldw + in; ++i) {
      w.push_back(randomWeight(random, type));
      w32.push_back(type.decode(w.back()));
    }
    if (random.between(0, 1) == 1) bias = random.reals(out);
  }

  template <class W>
  MatmulArgs<float, W> args(const std::vector<W>& weights, std::vector<float>& out) const {
    return {x.data(),
            weights.data(),
            bias.empty() ? nullptr : bias.data(),
            out.data(),
            ldx,
            ldw,
            nOut,
            nRows,
            nIn,
            accumulate};
  }
};

void expectTheBitsOfF32(Random& random, const Type& type, const Product& p) {
  std::vector<float> expected = p.y;
  kernels("scalar").matmulF32(p.args(p.w32, expected), 0, p.nOut);
  const int64_t cut = random.between(0, p.nOut);
  for (const char* isa : availableIsas()) {
    SCOPED_TRACE(std::string(type.name) + " " + isa);
    std::vector<float> y = p.y;
    (kernels(isa).*type.kernel)(p.args(p.w, y), cut, p.nOut);
    (kernels(isa).*type.kernel)(p.args(p.w, y), 0, cut);
    EXPECT_TRUE(sameBits(y, expected));
  }
}

TEST(HalfMatmulTest, WeightsOf16BitsGiveTheBitsOfTheSameValuesInF32) {
  const auto last = static_cast<uint64_t>(caseCount(150, 2000));
  for (const Type& type : kTypes) {
    for (uint64_t seed = 1; seed <= last; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Random random(seed);
      const int64_t in = random.oneOf({1, 13, 16, 17, 64, 207, random.between(1, 300)});
      const int64_t rows = random.between(1, random.oneOf({1, 16, 40}));
      expectTheBitsOfF32(random, type, Product(random, type, rows, in, random.between(1, 70)));
    }
  }
}

TEST(HalfMatmulTest, EveryRowCountGivesTheBitsOfF32) {
  const int64_t step = longTests() ? 1 : 47;
  for (const Type& type : kTypes) {
    for (int64_t rows = 1; rows <= 300; rows += rows < 20 ? 1 : step) {
      SCOPED_TRACE("rows " + std::to_string(rows));
      Random random(static_cast<uint64_t>(5000 + rows));
      expectTheBitsOfF32(random, type, Product(random, type, rows, 45, 21));
    }
  }
}

TEST(HalfMatmulTest, LongRowsGiveTheBitsOfF32) {
  for (const Type& type : kTypes) {
    for (const int64_t in : {767, 768, 1025, 3072, 4098}) {
      for (const int64_t rows : {1, 2, 7, 25}) {
        SCOPED_TRACE("in " + std::to_string(in) + " rows " + std::to_string(rows));
        Random random(static_cast<uint64_t>(in * 100 + rows));
        expectTheBitsOfF32(random, type, Product(random, type, rows, in, 19));
      }
    }
  }
}

// ---- The processor's own bfloat16 products ----

struct DotProduct {
  Product p;
  std::vector<uint16_t> x;

  DotProduct(Random& random, const Bf16DotKernels& dots, int64_t rows, int64_t in, int64_t out)
      : p(random, kTypes[1], rows, in, out), x(p.x.size()) {
    dots.round(x.data(), p.x.data(), static_cast<int64_t>(x.size()));
  }

  MatmulArgs<uint16_t, uint16_t> args(std::vector<float>& out) const {
    const auto a = p.args(p.w, out);
    return {x.data(), a.w, a.bias, a.y, a.ldx, a.ldw, a.ldy, a.nRows, a.nIn, a.accumulate};
  }
};

std::vector<const char*> isasWithDots() {
  std::vector<const char*> isas;
  for (const char* isa : availableIsas()) {
    if (kernels(isa).bf16Dots.matmul != nullptr) isas.push_back(isa);
  }
  return isas;
}

TEST(Bf16DotsTest, RoundsToNearestTiesToEven) {
  for (const char* isa : isasWithDots()) {
    Random random(1);
    std::vector<float> x = random.reals(1003);
    x[0] = floatOfBits(0x3F808000U);  // ties
    x[1] = floatOfBits(0x3F818000U);
    x[2] = floatOfBits(0xBF808001U);
    std::vector<uint16_t> rounded(x.size() + 1, 0xABCD);
    kernels(isa).bf16Dots.round(rounded.data(), x.data(), static_cast<int64_t>(x.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      const uint32_t bits = bitsOfFloat(x[i]);
      const uint32_t expected = (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
      EXPECT_EQ(rounded[i], expected) << x[i];
    }
    EXPECT_EQ(rounded.back(), 0xABCD);
  }
}

TEST(Bf16DotsTest, RowsTogetherAreRowsAlone) {
  for (const char* isa : isasWithDots()) {
    for (const int64_t in : {31, 32, 45, 768, 1600, 3072}) {
      for (const int64_t rows : {2, 8, 13, 70}) {
        SCOPED_TRACE("in " + std::to_string(in) + " rows " + std::to_string(rows));
        Random random(static_cast<uint64_t>(in * 100 + rows));
        const Bf16DotKernels& dots = kernels(isa).bf16Dots;
        const DotProduct d(random, dots, rows, in, 37);
        std::vector<float> together = d.p.y;
        dots.matmul(d.args(together), 0, 37);
        std::vector<float> alone = d.p.y;
        auto a = d.args(alone);
        a.nRows = 1;
        for (int64_t r = 0; r < rows; ++r, a.x += a.ldx, a.y += a.ldy) dots.matmul(a, 0, 37);
        EXPECT_TRUE(sameBits(together, alone));
      }
    }
  }
}

// 2^-9 is what rounding x loses, and each product is rounded into its lane's sum.
TEST(Bf16DotsTest, IsCloseToDouble) {
  for (const char* isa : isasWithDots()) {
    for (const int64_t in : {1, 45, 768}) {
      Random random(static_cast<uint64_t>(in));
      const DotProduct d(random, kernels(isa).bf16Dots, 9, in, 33);
      std::vector<float> y = d.p.y;
      kernels(isa).bf16Dots.matmul(d.args(y), 0, 33);
      std::vector<double> expected, bound;
      for (int64_t r = 0; r < 9; ++r) {
        for (int64_t o = 0; o < 33; ++o) {
          const auto at = static_cast<size_t>(r * 33 + o);
          double sum = d.p.accumulate ? static_cast<double>(d.p.y[at]) : 0.0;
          if (!d.p.bias.empty()) sum += static_cast<double>(d.p.bias[static_cast<size_t>(o)]);
          double magnitudes = 2.0;
          for (int64_t k = 0; k < in; ++k) {
            const auto xi = static_cast<size_t>(r * d.p.ldx + k);
            const auto wi = static_cast<size_t>(o * d.p.ldw + k);
            const double product =
                static_cast<double>(d.p.x[xi]) * static_cast<double>(d.p.w32[wi]);
            sum += product;
            magnitudes += std::fabs(product);
          }
          expected.push_back(sum);
          bound.push_back((0x1p-9 + static_cast<double>(in / 16 + 8) * kUnit) * magnitudes);
        }
      }
      EXPECT_TRUE(within(y, expected, bound));
      EXPECT_FALSE(within(std::vector<float>(y.size(), 0.0F), expected, bound));
    }
  }
}

}  // namespace
}  // namespace tandem
