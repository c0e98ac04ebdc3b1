// Products with quantised weights, against a specification that reads the blocks as a file has them
// and knows nothing of panels, lanes or tiles.
#include <algorithm>
#include <cmath>

#include "core/thread_pool.h"
#include "kernels/kernel_testing.h"
#include "model/blocks_reference.h"
#include "model/pack_panels.h"

namespace tandem {
namespace {

constexpr int64_t kBlock = 32;

std::vector<BlockType> panelTypes() {
  std::vector<BlockType> types;
  for (const BlockType& type : blockTypes()) {
    if (type.dtype == DType::kQ80 || type.dtype == DType::kQ40 || type.dtype == DType::kQ4K ||
        type.dtype == DType::kQ6K) {
      types.push_back(type);
    }
  }
  return types;
}
const std::vector<BlockType> kTypes = panelTypes();

// 32 weights: scale * w[k] - min.
struct Weights {
  float scale, min;
  int64_t w[kBlock];
};

constexpr uint16_t kHalfOne = 0x3C00;

// With all factors 1, or with the others 0.
std::vector<unsigned char> withFactors(const BlockType& type, const unsigned char* block,
                                       int64_t onlyFactor) {
  std::vector<unsigned char> copy(block, block + type.bytes);
  for (const int64_t at : type.factors) {
    const uint16_t half = onlyFactor == at ? kHalfOne : 0;
    std::memcpy(copy.data() + at, &half, sizeof half);
  }
  return copy;
}

// A file's block as blocks of 32, by nothing but the values of its elements: what they are where
// the factors are ones and zeros, and where the integers have their largest value.
std::vector<Weights> weightsOf(const BlockType& type, const unsigned char* block) {
  const int64_t factor = type.factors[0];
  const std::vector<unsigned char> ones = withFactors(type, block, factor);
  const double scale = halfAt(block + factor);
  std::vector<Weights> weights;
  for (int64_t begin = 0; begin < type.elements; begin += kBlock) {
    Weights b{static_cast<float>(scale), 0.0F, {}};
    for (int64_t k = 0; k < kBlock; ++k) {
      b.w[k] = static_cast<int64_t>(blockElement(type, ones.data(), begin + k));
    }
    if (type.dtype == DType::kQ4K) {
      std::vector<unsigned char> largest = ones;
      std::fill(largest.begin() + 16, largest.end(), static_cast<unsigned char>(0xFF));
      const double factorOfBlock = blockElement(type, largest.data(), begin) / 15.0;
      for (int64_t& w : b.w) w = factorOfBlock == 0.0 ? 0 : w / static_cast<int64_t>(factorOfBlock);
      b.scale = static_cast<float>(scale * factorOfBlock);
      const std::vector<unsigned char> min = withFactors(type, block, type.factors[1]);
      b.min = static_cast<float>(-blockElement(type, min.data(), begin) *
                                 halfAt(block + type.factors[1]));
    }
    weights.push_back(b);
  }
  return weights;
}

struct Product {
  BlockType type;
  int64_t nRows, nIn, nOut, ldy;
  bool accumulate;
  std::vector<float> x, bias, y;
  std::vector<unsigned char> w;  // as in a file
  std::vector<Q8Panel> q8;
  std::vector<Q4Panel> q4;
  std::vector<Q4KPanel> q4K;
  std::vector<Q6KPanel> q6K;

  Product(Random& random, const BlockType& t, int64_t rows, int64_t in, int64_t out)
      : type(t),
        nRows(rows),
        nIn(in),
        nOut(out),
        ldy(out + random.between(0, 3)),
        accumulate(random.between(0, 1) == 1),
        x(random.reals(rows * in)),
        y(random.reals((rows - 1) * ldy + out)),
        w(randomBlocks(type, random, out * in / type.elements, 3.0)) {
    fillSomeBlocks(random);
    scaleRows(random);
    if (random.between(0, 1) == 1) bias = random.reals(out);
    pack();
  }

  // With equal bytes, those of the largest magnitudes among them, and factors of both signs.
  void fillSomeBlocks(Random& random) {
    for (size_t at = 0; at < w.size(); at += static_cast<size_t>(type.bytes)) {
      const std::vector<unsigned char> before(w.begin() + static_cast<int64_t>(at),
                                              w.begin() + static_cast<int64_t>(at) + type.bytes);
      if (random.between(0, 9) == 0) {
        const auto byte = static_cast<unsigned char>(random.oneOf({0x00, 0x80, 0xFF}));
        std::fill_n(w.begin() + static_cast<int64_t>(at), type.bytes, byte);
      }
      for (const int64_t factor : type.factors) {
        unsigned char* to = w.data() + at + factor;
        std::memcpy(to, before.data() + factor, 2);
        if (random.between(0, 1) == 1) to[1] ^= 0x80;
      }
    }
  }

  // Blocks of very different sizes; zeros; blocks of equal magnitudes; ties in rounding.
  void scaleRows(Random& random) {
    for (int64_t i = 0; i < nRows * nIn; i += kBlock) {
      const auto block = x.begin() + i;
      switch (random.between(0, 9)) {
        case 0:
          std::fill(block, block + kBlock, 0.0F);
          break;
        case 1:
          for (int64_t k = 0; k < kBlock; ++k) block[k] = block[k] < 0 ? -3.0F : 3.0F;
          break;
        case 2:  // 127 units: halves are ties
          for (int64_t k = 0; k < kBlock; ++k) {
            block[k] = static_cast<float>(random.between(-254, 254)) / 2.0F;
          }
          block[0] = 127.0F;
          break;
        case 3: {
          const float factor = std::ldexp(1.0F, static_cast<int>(random.between(-140, 60)));
          for (int64_t k = 0; k < kBlock; ++k) block[k] *= factor;
          break;
        }
        default:
          break;
      }
    }
  }

  void pack() {
    switch (type.dtype) {
      case DType::kQ80:
        return pack(q8);
      case DType::kQ40:
        return pack(q4);
      case DType::kQ4K:
        return pack(q4K);
      default:
        return pack(q6K);
    }
  }

  template <class Panel>
  void pack(std::vector<Panel>& panels) {
    ThreadPool pool(1);
    Tensor t{};
    t.rows = nOut;
    t.cols = nIn;
    t.data = w.data();
    panels.resize(static_cast<size_t>((nOut + 15) / 16 * nIn / type.elements));
    packPanels(panels.data(), t, pool);
  }

  template <class Panel>
  void multiply(void (*kernel)(const MatmulArgs<ActivationBlock, Panel>&, int64_t, int64_t),
                const std::vector<Panel>& panels, const std::vector<ActivationBlock>& blocks,
                int64_t oBegin, int64_t oEnd, std::vector<float>& out) const {
    kernel({blocks.data(), panels.data(), bias.empty() ? nullptr : bias.data(), out.data(),
            nIn / kBlock, nIn / type.elements, ldy, nRows, nIn, accumulate},
           oBegin, oEnd);
  }

  void run(const KernelTable& table, int64_t oBegin, int64_t oEnd, std::vector<float>& out) const {
    std::vector<ActivationBlock> blocks(static_cast<size_t>(nRows * nIn / kBlock));
    for (int64_t r = 0; r < nRows; ++r) {
      table.panels.quantize(blocks.data() + r * nIn / kBlock, x.data() + r * nIn, nIn);
    }
    const PanelKernels& k = table.panels;
    switch (type.dtype) {
      case DType::kQ80:
        return multiply(k.matmulQ8, q8, blocks, oBegin, oEnd, out);
      case DType::kQ40:
        return multiply(k.matmulQ4, q4, blocks, oBegin, oEnd, out);
      case DType::kQ4K:
        return multiply(k.matmulQ4K, q4K, blocks, oBegin, oEnd, out);
      default:
        return multiply(k.matmulQ6K, q6K, blocks, oBegin, oEnd, out);
    }
  }
};

// The specification: one block of activations times one of weights, added to `sum`.
float addBlock(const float* x, const Weights& weights, bool hasMin, float sum) {
  float m = 0.0F;
  for (int64_t k = 0; k < kBlock; ++k) m = std::max(m, std::fabs(x[k]));
  int64_t isum = 0, xsum = 0;
  float scale = 0.0F;
  if (m >= 0x1p-100F) {
    scale = m / 127.0F;
    const float inverse = 127.0F / m;
    for (int64_t k = 0; k < kBlock; ++k) {
      // nearbyint: the default rounding is to nearest, ties to even.
      const auto q = static_cast<int64_t>(std::nearbyint(x[k] * inverse));
      EXPECT_LE(std::abs(q), 127);
      isum += q * weights.w[k];
      xsum += q;
    }
  }
  EXPECT_LE(std::abs(isum), 1 << 24);  // a float has room for it
  sum = std::fma(static_cast<float>(isum), scale * weights.scale, sum);
  return hasMin ? std::fma(-(scale * static_cast<float>(xsum)), weights.min, sum) : sum;
}

std::vector<float> specified(const Product& p) {
  std::vector<float> y = p.y;
  for (int64_t o = 0; o < p.nOut; ++o) {
    std::vector<Weights> w;
    for (int64_t k = 0; k < p.nIn; k += p.type.elements) {
      const int64_t block = (o * p.nIn + k) / p.type.elements;
      const std::vector<Weights> more = weightsOf(p.type, p.w.data() + block * p.type.bytes);
      w.insert(w.end(), more.begin(), more.end());
    }
    for (int64_t r = 0; r < p.nRows; ++r) {
      const float* x = p.x.data() + r * p.nIn;
      float sum = 0.0F;
      for (size_t b = 0; b < w.size(); ++b) {
        sum =
            addBlock(x + static_cast<int64_t>(b) * kBlock, w[b], p.type.dtype == DType::kQ4K, sum);
      }
      if (!p.bias.empty()) sum += p.bias[static_cast<size_t>(o)];
      float& out = y[static_cast<size_t>(r * p.ldy + o)];
      if (p.accumulate) sum += out;
      out = sum;
    }
  }
  return y;
}

void expectEveryIsaAsSpecified(Random& random, const Product& p) {
  const std::vector<float> expected = specified(p);
  const int64_t cut = std::min(p.nOut, random.between(0, p.nOut / 16 + 1) * 16);
  for (const char* isa : availableIsas()) {
    SCOPED_TRACE(std::string(p.type.name) + " " + isa);
    std::vector<float> y = p.y;
    p.run(kernels(isa), cut, p.nOut, y);
    p.run(kernels(isa), 0, cut, y);
    EXPECT_TRUE(sameBits(y, expected));
  }
}

// In a row of the random cases.
int64_t mostBlocks(const BlockType& type) { return type.elements == kBlock ? 9 : 3; }

TEST(PanelTest, EveryIsaAndSplitIsAsSpecified) {
  const auto last = static_cast<uint64_t>(caseCount(100, 2000));
  for (const BlockType& type : kTypes) {
    for (uint64_t seed = 1; seed <= last; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Random random(seed);
      const int64_t rows = random.between(1, random.oneOf({1, 16, 40}));
      expectEveryIsaAsSpecified(
          random, Product(random, type, rows, type.elements * random.between(1, mostBlocks(type)),
                          random.between(1, 90)));
    }
  }
}

TEST(PanelTest, EveryRowCountIsAsSpecified) {
  const int64_t step = longTests() ? 1 : 67;
  for (const BlockType& type : kTypes) {
    for (int64_t rows = 1; rows <= 300; rows += rows < 20 ? 1 : step) {
      SCOPED_TRACE("rows " + std::to_string(rows));
      Random random(static_cast<uint64_t>(7000 + rows));
      expectEveryIsaAsSpecified(
          random, Product(random, type, rows, std::max<int64_t>(64, type.elements), 37));
    }
  }
}

// A tile of one row has up to four panels, which lie apart where there are many of them.
TEST(PanelTest, OneRowOfManyPanelsIsAsSpecified) {
  for (const BlockType& type : kTypes) {
    for (const int64_t out : {203, 250}) {  // 13 and 16 panels
      SCOPED_TRACE("out " + std::to_string(out));
      Random random(static_cast<uint64_t>(out));
      expectEveryIsaAsSpecified(random, Product(random, type, 1, 2 * type.elements, out));
    }
  }
}

// Panels so long that the outputs are cut into blocks.
TEST(PanelTest, LongRowsAreAsSpecified) {
  for (const BlockType& type : kTypes) {
    for (const int64_t in : {3072, 11008}) {
      if (in > 3072 && !longTests() && type.elements > kBlock) continue;
      SCOPED_TRACE("in " + std::to_string(in));
      Random random(static_cast<uint64_t>(in));
      expectEveryIsaAsSpecified(random, Product(random, type, 13, in, 83));
    }
  }
}

TEST(PanelTest, NanAndInfinityStayInTheirRow) {
  for (const BlockType& type : kTypes) {
    for (const float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
      for (const char* isa : availableIsas()) {
        SCOPED_TRACE(isa);
        Random random(4000);
        Product p(random, type, 7, std::max<int64_t>(96, type.elements), 21);
        p.x[static_cast<size_t>(3 * p.nIn + 40)] = bad;
        std::vector<float> y = p.y;
        p.run(kernels(isa), 0, p.nOut, y);
        for (int64_t r = 0; r < p.nRows; ++r) {
          for (int64_t o = 0; o < p.nOut; ++o) {
            EXPECT_EQ(std::isnan(y[static_cast<size_t>(r * p.ldy + o)]), r == 3) << r << ", " << o;
          }
        }
      }
    }
  }
}

// The same values multiplied in double, without quantisation: what the specification says above is
// about the right thing. An activation is off by at most half a unit of 127 to its block's largest.
TEST(PanelTest, ProductsAreCloseToThoseOfTheValues) {
  for (const BlockType& type : kTypes) {
    SCOPED_TRACE(type.name);
    Random random(5000);
    Product p(random, type, 5, 512, 37);
    std::fill(p.y.begin(), p.y.end(), 0.0F);
    const std::vector<float> w = referenceValues(type, p.w);
    std::vector<double> expected(p.y.size(), 0.0), bound(p.y.size(), 0.0);
    for (int64_t r = 0; r < p.nRows; ++r) {
      for (int64_t o = 0; o < p.nOut; ++o) {
        const auto at = static_cast<size_t>(r * p.ldy + o);
        if (!p.bias.empty()) expected[at] = static_cast<double>(p.bias[static_cast<size_t>(o)]);
        for (int64_t k = 0; k < p.nIn; ++k) {
          const float* block = p.x.data() + r * p.nIn + k / kBlock * kBlock;
          const auto [least, largest] = std::minmax_element(block, block + kBlock);
          const double m = std::max(std::fabs(*least), std::fabs(*largest));
          const auto weight = static_cast<double>(w[static_cast<size_t>(o * p.nIn + k)]);
          expected[at] += static_cast<double>(block[k % kBlock]) * weight;
          bound[at] += 0.51 / 127.0 * m * std::fabs(weight);
        }
        bound[at] += 1e-5 * (1.0 + std::fabs(expected[at]));
      }
    }
    std::vector<float> y = p.y;
    p.run(kernels("scalar"), 0, p.nOut, y);
    EXPECT_TRUE(within(y, expected, bound));
    std::swap(y[0], y[1]);
    EXPECT_FALSE(within(y, expected, bound));
  }
}

// The comparison rejects a swapped pair of outputs, and zeros.
TEST(PanelTest, TheSpecificationIsSharp) {
  Random random(1);
  const Product p(random, kTypes[0], 3, 64, 20);
  std::vector<float> good = specified(p);
  std::vector<float> swapped = good;
  std::swap(swapped[0], swapped[1]);
  EXPECT_FALSE(sameBits(swapped, good));
  EXPECT_FALSE(sameBits(std::vector<float>(good.size(), 0.0F), good));
}

}  // namespace
}  // namespace tandem
