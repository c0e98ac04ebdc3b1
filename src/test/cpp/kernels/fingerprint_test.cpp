// Every kernel gives the same bits on every processor, for values of all kinds.
#include "kernels/fingerprint.h"

#include "bench/probe_loops.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 161803;
constexpr int64_t kPatterns = 65536;
constexpr uint32_t kBelowTwo = 0xBFFF;  // leaves of any half or bfloat16 one below 2

// Every bfloat16: all exponents, subnormals, infinities and NaNs.
std::vector<float> everyPattern() {
  std::vector<float> x;
  for (uint32_t i = 0; i < kPatterns; ++i) x.push_back(floatOfBits(i << 16 | 0x5A5AU));
  return x;
}

// From 2^-20 to 2^20, and a few subnormals.
std::vector<float> ofManySizes(Random& random, int64_t n) {
  std::vector<float> x = random.reals(n);
  for (float& value : x) {
    const int64_t size = random.between(-21, 20);
    const auto scale = static_cast<uint32_t>(size < -20 ? 0 : size + 127);
    value *= scale == 0 ? 0x1p-140F : floatOfBits(scale << 23);
  }
  return x;
}

std::vector<uint16_t> halvesOf(Random& random, int64_t n, uint32_t mask) {
  std::vector<uint16_t> halves;
  for (int64_t i = 0; i < n; ++i) {
    halves.push_back(static_cast<uint16_t>(random.between(0, 65535) & mask));
  }
  return halves;
}

void fill(Random& random, uint16_t (&factors)[kPanelOutputs]) {
  for (uint16_t& factor : factors) {
    const int64_t mask = random.between(0, 199) == 0 ? 0xFFFF : kBelowTwo;
    factor = static_cast<uint16_t>(random.between(0, 65535) & mask);
  }
}

// All that is not a float has any bits.
template <class Words>
void fillBytes(Random& random, Words& words) {
  auto* bytes = reinterpret_cast<uint8_t*>(&words);
  for (size_t i = 0; i < sizeof words; ++i) bytes[i] = static_cast<uint8_t>(random.between(0, 255));
}

template <class Panel>
void fill(Random& random, Panel& panel) {
  fill(random, panel.scale);
  fillBytes(random, panel.w);
}

void fill(Random& random, Q4KPanel& panel) {
  fill(random, panel.scale);
  fill(random, panel.min);
  for (auto* numbers : {&panel.scales, &panel.mins}) {
    for (auto& row : *numbers) {
      for (int8_t& number : row) number = static_cast<int8_t>(random.between(0, 63));
    }
  }
  fillBytes(random, panel.w);
}

void fill(Random& random, Q6KPanel& panel) {
  fill(random, panel.scale);
  fillBytes(random, panel.scales);
  fillBytes(random, panel.low);
  fillBytes(random, panel.high);
}

void addActivations(Fingerprint& f, const KernelTable& t) {
  Random random(kSeed);
  const std::vector<float> x = everyPattern();
  const std::vector<float> up = ofManySizes(random, kPatterns);
  const std::vector<uint16_t> table = halvesOf(random, kPatterns, 0xFFFF);
  for (const ActivationKind kind :
       {ActivationKind::kGeluTanh, ActivationKind::kGeluErf, ActivationKind::kSilu}) {
    for (const uint16_t* lookUp : {static_cast<const uint16_t*>(nullptr), table.data()}) {
      std::vector<float> y(x.size());
      t.activate(y.data(), x.data(), up.data(), kPatterns, kind, lookUp);
      f.addFloats(y);
    }
  }
}

void addRows(Fingerprint& f, const KernelTable& t) {
  Random random(kSeed + 1);
  for (const int64_t n : {1, 13, 48, 207, 768}) {
    const std::vector<float> x = ofManySizes(random, n);
    const std::vector<float> gain = random.reals(n);
    const std::vector<float> bias = random.reals(n);
    std::vector<float> y(x.size());
    t.layerNorm(y.data(), x.data(), gain.data(), bias.data(), n, 1e-5F);
    f.addFloats(y);
    t.rmsNorm(y.data(), x.data(), gain.data(), n, 1e-5F);
    f.addFloats(y);
    t.add(y.data(), x.data(), n);
    t.rope(y.data(), gain.data(), bias.data(), n / 2 * 2, true);
    t.rope(y.data(), gain.data(), bias.data(), n / 2 * 2, false);
    f.addFloats(y);
    f.addFloat(probeLoops(t.isa).readSum(x.data(), n));
  }
  const std::vector<uint16_t> halves = halvesOf(random, kPatterns, 0xFFFF);
  std::vector<float> y(halves.size());
  t.expandF16(y.data(), halves.data(), kPatterns);
  f.addFloats(y);
  t.expandBf16(y.data(), halves.data(), kPatterns);
  f.addFloats(y);
}

void addProducts(Fingerprint& f, const KernelTable& t) {
  Random random(kSeed + 2);
  for (const int64_t nRows : {1, 2, 3, 5, 8, 19}) {
    const int64_t nIn = random.between(1, 900);
    const int64_t nOut = random.between(1, 90);
    const std::vector<float> x = ofManySizes(random, nRows * nIn);
    const std::vector<float> bias = random.reals(nOut);
    const std::vector<float> w = ofManySizes(random, nOut * nIn);
    const std::vector<uint16_t> half = halvesOf(random, nOut * nIn, kBelowTwo);
    const std::vector<uint16_t> bf16 = halvesOf(random, nOut * nIn, kBelowTwo);
    std::vector<float> y(static_cast<size_t>(nRows * nOut));
    t.matmulF32({x.data(), w.data(), bias.data(), y.data(), nIn, nIn, nOut, nRows, nIn, false}, 0,
                nOut);
    f.addFloats(y);
    t.matmulF16({x.data(), half.data(), nullptr, y.data(), nIn, nIn, nOut, nRows, nIn, true}, 0,
                nOut);
    f.addFloats(y);
    t.matmulBf16({x.data(), bf16.data(), nullptr, y.data(), nIn, nIn, nOut, nRows, nIn, false}, 0,
                 nOut);
    f.addFloats(y);
  }
}

template <class Panel, class Matmul>
void addPanelProduct(Fingerprint& f, Random& random, Matmul matmul,
                     const std::vector<ActivationBlock>& x, int64_t nRows) {
  const int64_t nBlocks = static_cast<int64_t>(x.size()) / nRows;
  const int64_t nPanelBlocks = nBlocks / Panel::kBlocks;
  const int64_t nOut = random.between(1, 90);
  std::vector<Panel> w(static_cast<size_t>((nOut + 15) / 16 * nPanelBlocks));
  for (Panel& panel : w) fill(random, panel);
  std::vector<float> y(static_cast<size_t>(nRows * nOut));
  matmul({x.data(), w.data(), nullptr, y.data(), nBlocks, nPanelBlocks, nOut, nRows,
          nBlocks * kBlockElements, false},
         0, nOut);
  f.addFloats(y);
}

void addQuantised(Fingerprint& f, const KernelTable& t) {
  Random random(kSeed + 3);
  const std::vector<float> all = everyPattern();
  std::vector<ActivationBlock> blocks(static_cast<size_t>(kPatterns / kBlockElements));
  t.panels.quantize(blocks.data(), all.data(), kPatterns);
  for (const ActivationBlock& block : blocks) {
    f.addFloat(block.scale);
    f.addWord(static_cast<uint32_t>(block.sum()));
    for (const int8_t q : block.q) f.addWord(static_cast<uint32_t>(q));
  }
  for (const int64_t nRows : {1, 2, 3, 5, 8, 19}) {
    const int64_t nBlocks = random.between(1, 20);
    const std::vector<float> rows = ofManySizes(random, nRows * nBlocks * kBlockElements);
    std::vector<ActivationBlock> x(static_cast<size_t>(nRows * nBlocks));
    t.panels.quantize(x.data(), rows.data(), nRows * nBlocks * kBlockElements);
    addPanelProduct<Q8Panel>(f, random, t.panels.matmulQ8, x, nRows);
    addPanelProduct<Q4Panel>(f, random, t.panels.matmulQ4, x, nRows);
  }
}

void addSuperblocks(Fingerprint& f, const KernelTable& t) {
  Random random(kSeed + 4);
  for (const int64_t nRows : {1, 2, 3, 5, 8, 19}) {
    const int64_t nIn = random.between(1, 3) * kPanelElements<Q4KPanel>;
    const std::vector<float> rows = ofManySizes(random, nRows * nIn);
    std::vector<ActivationBlock> x(static_cast<size_t>(nRows * nIn / kBlockElements));
    t.panels.quantize(x.data(), rows.data(), nRows * nIn);
    addPanelProduct<Q4KPanel>(f, random, t.panels.matmulQ4K, x, nRows);
    addPanelProduct<Q6KPanel>(f, random, t.panels.matmulQ6K, x, nRows);
  }
}

TEST(KernelFingerprintTest, EveryIsaGivesTheSameNumbersOnEveryProcessor) {
  const struct {
    const char* name;
    void (*add)(Fingerprint&, const KernelTable&);
    const char* expected;
  } kCases[] = {{"activations", addActivations, "baebd36f8db363c9"},
                {"rows", addRows, "44c6dda29a610217"},
                {"products", addProducts, "dc7ae9574d9b653f"},
                {"quantised products", addQuantised, "57b872ee73289309"},
                {"superblocks", addSuperblocks, "ecc03fec241e6cbb"}};
  for (const char* isa : availableIsas()) {
    for (const auto& c : kCases) {
      Fingerprint f;
      c.add(f, kernels(isa));
      EXPECT_EQ(f.text(), c.expected) << c.name << ", " << isa;
    }
  }
}

TEST(KernelFingerprintTest, AnyBitChangesTheNumber) {
  const std::vector<float> x = everyPattern();
  Fingerprint plain;
  plain.addFloats(x);
  for (const size_t i : {size_t{0}, size_t{0x3F80}, x.size() / 2, x.size() - 0x81}) {
    for (int bit = 0; bit < 32; ++bit) {
      std::vector<float> other = x;
      other[i] = floatOfBits(bitsOfFloat(x[i]) ^ 1U << bit);
      Fingerprint f;
      f.addFloats(other);
      EXPECT_NE(f.text(), plain.text()) << "bit " << bit << " of element " << i;
    }
  }
}

}  // namespace
}  // namespace tandem
