// The decoder of quantised blocks: against one that reads bit by bit, against blocks computed by
// hand, and through td_stage_open.
#include "model/blocks.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "model/blocks_reference.h"
#include "model/model_testing.h"
#include "model/prepare.h"

namespace tandem {
namespace {

constexpr uint64_t kSeed = 1717;

std::vector<float> decoded(const BlockType& type, const std::vector<unsigned char>& blocks) {
  const auto nBlocks = static_cast<int64_t>(blocks.size()) / type.bytes;
  std::vector<float> values(static_cast<size_t>(nBlocks * type.elements), kNaN);
  decodeBlocks(values.data(), type.dtype, blocks.data(), nBlocks);
  return values;
}

// Equal numbers; the sign of a zero does not count. No NaN is equal to anything.
testing::AssertionResult sameNumbers(const std::vector<float>& actual,
                                     const std::vector<float>& expected) {
  if (actual.size() != expected.size()) {
    return testing::AssertionFailure() << actual.size() << " elements, want " << expected.size();
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!(actual[i] == expected[i])) {
      return testing::AssertionFailure()
             << "element " << i << ": " << actual[i] << ", want " << expected[i];
    }
  }
  return testing::AssertionSuccess();
}

TEST(BlocksTest, ShapesAreTheFormats) {
  for (const BlockType& type : blockTypes()) {
    EXPECT_EQ(blockShape(type.dtype).elements, type.elements) << type.name;
    EXPECT_EQ(blockShape(type.dtype).bytes, type.bytes) << type.name;
  }
}

TEST(BlocksTest, RandomBlocksOfEveryPattern) {
  for (const BlockType& type : blockTypes()) {
    SCOPED_TRACE(std::string(type.name) + ", seed " + std::to_string(kSeed));
    Random random(kSeed);
    const std::vector<unsigned char> blocks = randomBlocks(type, random, 5000, 0.0);
    EXPECT_TRUE(sameNumbers(decoded(type, blocks), referenceValues(type, blocks)));
  }
}

// A file may place blocks at any address.
TEST(BlocksTest, BlocksNeedNoAlignment) {
  for (const BlockType& type : blockTypes()) {
    Random random(kSeed);
    const std::vector<unsigned char> blocks = randomBlocks(type, random, 3, 1.0);
    for (size_t shift = 1; shift < 8; ++shift) {
      std::vector<unsigned char> shifted(shift + blocks.size());
      std::copy(blocks.begin(), blocks.end(), shifted.begin() + static_cast<int64_t>(shift));
      std::vector<float> values(static_cast<size_t>(3 * type.elements), kNaN);
      decodeBlocks(values.data(), type.dtype, shifted.data() + shift, 3);
      EXPECT_TRUE(sameBits(values, decoded(type, blocks))) << type.name << " + " << shift;
    }
  }
}

// The tests above would not see a bit that both decoders ignore.
TEST(BlocksTest, EveryBitCounts) {
  for (const BlockType& type : blockTypes()) {
    Random random(kSeed);
    // Each bit must change the values of one of some blocks: scales may be 0, and so may q.
    std::vector<unsigned char> blocks = randomBlocks(type, random, 8, 1.0);
    const std::vector<float> before = decoded(type, blocks);
    for (int64_t bit = 0; bit < 8 * type.bytes; ++bit) {
      std::vector<unsigned char> changed = blocks;
      for (int64_t block = 0; block < 8; ++block) {
        changed[static_cast<size_t>(block * type.bytes + bit / 8)] ^=
            static_cast<unsigned char>(1 << bit % 8);
      }
      EXPECT_FALSE(sameNumbers(decoded(type, changed), before)) << type.name << ", bit " << bit;
    }
  }
}

// A token of the file of hand-computed blocks that stands for n times a value.
std::pair<std::string, int> repeated(const std::string& token) {
  const size_t times = token.find('x');
  if (times == std::string::npos) return {token, 1};
  return {token.substr(0, times), std::stoi(token.substr(times + 1))};
}

TEST(BlocksTest, HandComputedBlocks) {
  std::ifstream file(TANDEM_TEST_RESOURCES "/blocks/hand-computed.txt");
  std::stringstream text;
  for (std::string line; std::getline(file, line);) text << line.substr(0, line.find('#')) << '\n';
  std::set<std::string> seen;
  for (std::string name; text >> name;) {
    SCOPED_TRACE(name);
    const auto type = std::find_if(blockTypes().begin(), blockTypes().end(),
                                   [&](const BlockType& t) { return t.name == name; });
    ASSERT_NE(type, blockTypes().end());
    std::vector<unsigned char> block;
    for (std::string token; text >> token && token != "=";) {
      const auto [hex, n] = repeated(token);
      block.insert(block.end(), static_cast<size_t>(n),
                   static_cast<unsigned char>(std::stoi(hex, nullptr, 16)));
    }
    std::vector<float> expected;
    while (static_cast<int64_t>(expected.size()) < type->elements) {
      std::string token;
      ASSERT_TRUE(text >> token);
      const auto [value, n] = repeated(token);
      expected.insert(expected.end(), static_cast<size_t>(n), std::stof(value));
    }
    ASSERT_EQ(static_cast<int64_t>(block.size()), type->bytes);
    EXPECT_TRUE(sameNumbers(decoded(*type, block), expected));
    EXPECT_TRUE(sameNumbers(referenceValues(*type, block), expected));
    seen.insert(name);
  }
  EXPECT_EQ(seen.size(), blockTypes().size());
}

// A model whose matrices are blocks of a type, and its twin with their values in f32. Matrices
// whose rows are not whole blocks stay f32 in both.
struct Twins {
  TestModel model;
  std::vector<td_tensor> quantized, plain;
  std::vector<std::vector<unsigned char>> bytes;
  std::vector<std::vector<float>> values;
  int nQuantized = 0;
};

Twins twins(TestModel model, const BlockType& type, size_t shift) {
  Twins twins{std::move(model), {}, {}, {}, {}};
  Random random(kSeed);
  for (td_tensor t : twins.model.tensors) {
    twins.plain.push_back(t);
    if (t.rows > 1 && t.cols % type.elements == 0) {
      const double scale = 2.0 / std::sqrt(static_cast<double>(t.cols));
      const auto blocks = randomBlocks(type, random, t.rows * t.cols / type.elements, scale);
      twins.values.push_back(referenceValues(type, blocks));
      twins.plain.back().data = twins.values.back().data();
      twins.bytes.emplace_back(shift + blocks.size());
      std::copy(blocks.begin(), blocks.end(),
                twins.bytes.back().begin() + static_cast<int64_t>(shift));
      t.dtype = static_cast<int32_t>(type.dtype);
      t.data = twins.bytes.back().data() + shift;
      t.data_bytes = static_cast<int64_t>(blocks.size());
      ++twins.nQuantized;
    }
    twins.quantized.push_back(t);
  }
  return twins;
}

std::vector<float> logits(const TestModel& m, const std::vector<td_tensor>& tensors) {
  Random random(kSeed);
  const EnginePtr engine = openEngine(2);
  td_stage_options o = m.options(0, m.config.n_layers, true);
  o.mode = TD_MODE_REPRODUCIBLE;
  const StagePtr stage = openStage(engine, o, tensors);
  const SequencePtr sequence = openSequence(stage, 9);
  return step(stage, {rowsOf(sequence, 0, 9, TD_ROWS_PROMPT)}, randomHidden(random, m, 9),
              m.config.vocab_size);
}

// Two layers with rows of 256: GPT-2, whose wDown has rows of 800, which no super-block divides, or
// Llama with GQA.
TestModel modelOfWholeBlocks(bool gpt2) {
  return gpt2 ? gpt2Model(kSeed, true, {4, 4, 64, 256, 800, 2})
              : llamaModel(kSeed, {4, 2, 64, 256, 512, TD_ROPE_INTERLEAVED, 2});
}

// Types without kernels of their own are expanded. For the others activations are quantised, too,
// so that only the place of their blocks must not matter; see weight_types_test.cpp.
TEST(BlocksTest, AQuantizedStageGivesTheBitsOfItsValues) {
  for (const BlockType& type : blockTypes()) {
    for (const bool gpt2 : {true, false}) {
      const Twins aligned = twins(modelOfWholeBlocks(gpt2), type, 0);
      const Twins shifted = twins(modelOfWholeBlocks(gpt2), type, 1);
      const TestModel& m = aligned.model;
      SCOPED_TRACE(m.name + ", " + type.name);
      EXPECT_GE(aligned.nQuantized, 6);
      const std::vector<float> actual = logits(m, aligned.quantized);
      const bool expanded = weightTypeOf(type.dtype) == WeightType::kF32;
      EXPECT_EQ(sameBits(actual, logits(m, aligned.plain)), expanded);
      EXPECT_TRUE(sameBits(actual, logits(m, shifted.quantized)));
      EXPECT_FALSE(sameBits(actual, logits(m, m.tensors)));  // another model
    }
  }
}

}  // namespace
}  // namespace tandem
