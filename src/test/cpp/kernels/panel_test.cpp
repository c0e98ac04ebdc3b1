// Products with q8_0 and q4_0 weights, against a specification that reads the blocks as a file has
// them and knows nothing of panels, lanes or tiles.
#include <algorithm>
#include <cmath>

#include "core/thread_pool.h"
#include "kernels/kernel_testing.h"
#include "kernels/scalar/half.h"
#include "model/pack_panels.h"

namespace tandem {
namespace {

constexpr int64_t kBlock = 32;

struct Type {
  const char* name;
  td_dtype dtype;
  int64_t blockBytes;
};
const Type kTypes[] = {{"q8_0", TD_Q8_0, 34}, {"q4_0", TD_Q4_0, 18}};

// Element k of a block.
int weightOf(const Type& type, const unsigned char* block, int64_t k) {
  if (type.dtype == TD_Q8_0) return static_cast<int8_t>(block[2 + k]);
  const unsigned char pair = block[2 + k % 16];
  return (k < 16 ? pair & 0x0F : pair >> 4) - 8;
}

float scaleOf(const unsigned char* block) {
  uint16_t half = 0;
  std::memcpy(&half, block, sizeof half);
  return scalar::floatFromHalf(half);
}

struct Product {
  Type type;
  int64_t nRows, nIn, nOut, ldy;
  bool accumulate;
  std::vector<float> x, bias, y;
  std::vector<unsigned char> w;  // as in a file
  std::vector<Q8Panel> q8;
  std::vector<Q4Panel> q4;

  Product(Random& random, const Type& t, int64_t rows, int64_t in, int64_t out)
      : type(t),
        nRows(rows),
        nIn(in),
        nOut(out),
        ldy(out + random.between(0, 3)),
        accumulate(random.between(0, 1) == 1),
        x(random.reals(rows * in)),
        y(random.reals((rows - 1) * ldy + out)) {
    for (int64_t i = 0; i < out * in / kBlock; ++i) {
      const uint16_t scale = scalar::halfFromFloat(random.real() * 0.1F);
      w.push_back(static_cast<unsigned char>(scale & 0xFF));
      w.push_back(static_cast<unsigned char>(scale >> 8));
      const bool extreme = random.between(0, 9) == 0;
      for (int64_t j = 2; j < type.blockBytes; ++j) {
        w.push_back(static_cast<unsigned char>(extreme ? 0x80 : random.between(0, 255)));
      }
    }
    scaleRows(random);
    if (random.between(0, 1) == 1) bias = random.reals(out);
    pack();
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
    ThreadPool pool(1);
    td_tensor t{};
    t.rows = nOut;
    t.cols = nIn;
    t.data = w.data();
    const auto n = static_cast<size_t>((nOut + 15) / 16 * nIn / kBlock);
    if (type.dtype == TD_Q8_0) {
      q8.resize(n);
      packPanels(q8.data(), t, pool);
    } else {
      q4.resize(n);
      packPanels(q4.data(), t, pool);
    }
  }

  template <class Panel>
  MatmulArgs<ActivationBlock, Panel> args(const std::vector<Panel>& panels,
                                          const std::vector<ActivationBlock>& blocks,
                                          std::vector<float>& out) const {
    return {blocks.data(), panels.data(), bias.empty() ? nullptr : bias.data(),
            out.data(),    nIn / kBlock,  nIn / kBlock,
            ldy,           nRows,         nIn,
            accumulate};
  }

  void run(const KernelTable& table, int64_t oBegin, int64_t oEnd, std::vector<float>& out) const {
    std::vector<ActivationBlock> blocks(static_cast<size_t>(nRows * nIn / kBlock));
    for (int64_t r = 0; r < nRows; ++r) {
      table.panels.quantize(blocks.data() + r * nIn / kBlock, x.data() + r * nIn, nIn);
    }
    if (type.dtype == TD_Q8_0) {
      table.panels.matmulQ8(args(q8, blocks, out), oBegin, oEnd);
    } else {
      table.panels.matmulQ4(args(q4, blocks, out), oBegin, oEnd);
    }
  }
};

// The specification: one block of activations times one of weights, added to `sum`.
float addBlock(const Type& type, const float* x, const unsigned char* w, float sum) {
  float m = 0.0F;
  for (int64_t k = 0; k < kBlock; ++k) m = std::max(m, std::fabs(x[k]));
  int64_t isum = 0;
  float scale = 0.0F;
  if (m >= 0x1p-100F) {
    scale = m / 127.0F;
    const float inverse = 127.0F / m;
    for (int64_t k = 0; k < kBlock; ++k) {
      // nearbyint: the default rounding is to nearest, ties to even.
      const auto q = static_cast<int64_t>(std::nearbyint(x[k] * inverse));
      EXPECT_LE(std::abs(q), 127);
      isum += q * weightOf(type, w, k);
    }
  }
  return std::fma(static_cast<float>(isum), scale * scaleOf(w), sum);
}

std::vector<float> specified(const Product& p) {
  std::vector<float> y = p.y;
  const int64_t nBlocks = p.nIn / kBlock;
  for (int64_t r = 0; r < p.nRows; ++r) {
    for (int64_t o = 0; o < p.nOut; ++o) {
      float sum = 0.0F;
      for (int64_t b = 0; b < nBlocks; ++b) {
        sum = addBlock(p.type, p.x.data() + r * p.nIn + b * kBlock,
                       p.w.data() + (o * nBlocks + b) * p.type.blockBytes, sum);
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

TEST(PanelTest, EveryIsaAndSplitIsAsSpecified) {
  const auto last = static_cast<uint64_t>(caseCount(100, 2000));
  for (const Type& type : kTypes) {
    for (uint64_t seed = 1; seed <= last; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Random random(seed);
      const int64_t rows = random.between(1, random.oneOf({1, 16, 40}));
      expectEveryIsaAsSpecified(
          random, Product(random, type, rows, 32 * random.between(1, 9), random.between(1, 90)));
    }
  }
}

TEST(PanelTest, EveryRowCountIsAsSpecified) {
  const int64_t step = caseCount(31, 1);
  for (const Type& type : kTypes) {
    for (int64_t rows = 1; rows <= 300; rows += rows < 20 ? 1 : step) {
      SCOPED_TRACE("rows " + std::to_string(rows));
      Random random(static_cast<uint64_t>(7000 + rows));
      expectEveryIsaAsSpecified(random, Product(random, type, rows, 64, 37));
    }
  }
}

// Panels so long that the outputs are cut into blocks.
TEST(PanelTest, LongRowsAreAsSpecified) {
  for (const Type& type : kTypes) {
    for (const int64_t in : {3072, 11008}) {
      SCOPED_TRACE("in " + std::to_string(in));
      Random random(static_cast<uint64_t>(in));
      expectEveryIsaAsSpecified(random, Product(random, type, 13, in, 83));
    }
  }
}

TEST(PanelTest, NanAndInfinityStayInTheirRow) {
  for (const Type& type : kTypes) {
    for (const float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
      for (const char* isa : availableIsas()) {
        SCOPED_TRACE(isa);
        Random random(4000);
        Product p(random, type, 7, 96, 21);
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
