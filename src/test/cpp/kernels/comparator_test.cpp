// Negative controls: a comparator that accepts zeros or swapped rows proves nothing.
#include <algorithm>

#include "kernels/kernel_testing.h"

namespace tandem {
namespace {

constexpr int64_t kRows = 5;
constexpr int64_t kCols = 33;

class ComparatorTest : public testing::Test {
 protected:
  ComparatorTest() {
    Random random(1);
    good_ = random.reals(kRows * kCols);
    swapped_ = good_;
    std::swap_ranges(swapped_.begin() + kCols, swapped_.begin() + 2 * kCols,
                     swapped_.begin() + 3 * kCols);
    expected_.assign(good_.begin(), good_.end());
    bound_.assign(good_.size(), 1e-4);  // looser than any test here
  }

  std::vector<float> good_, swapped_;
  std::vector<float> zeros_ = std::vector<float>(kRows * kCols, 0.0F);
  std::vector<double> expected_, bound_;
};

TEST_F(ComparatorTest, AcceptsTheSame) {
  EXPECT_TRUE(sameBits(good_, good_));
  EXPECT_TRUE(within(good_, expected_, bound_));
}

TEST_F(ComparatorTest, RejectsZeros) {
  EXPECT_FALSE(sameBits(zeros_, good_));
  EXPECT_FALSE(within(zeros_, expected_, bound_));
}

TEST_F(ComparatorTest, RejectsSwappedRows) {
  EXPECT_FALSE(sameBits(swapped_, good_));
  EXPECT_FALSE(within(swapped_, expected_, bound_));
}

TEST_F(ComparatorTest, RejectsOneBit) {
  std::vector<float> off = good_;
  off.back() = floatOfBits(bitsOfFloat(off.back()) ^ 1U);
  EXPECT_FALSE(sameBits(off, good_));
  EXPECT_FALSE(sameBits({0.0F}, {-0.0F}));
}

TEST_F(ComparatorTest, RejectsNan) {
  std::vector<float> off = good_;
  off[7] = kNaN;
  EXPECT_FALSE(sameBits(off, good_));
  EXPECT_FALSE(within(off, expected_, bound_));
  EXPECT_TRUE(sameBits(off, off));
}

TEST_F(ComparatorTest, RejectsAnotherSize) {
  EXPECT_FALSE(sameBits({good_.begin(), good_.end() - 1}, good_));
  EXPECT_FALSE(within({good_.begin(), good_.end() - 1}, expected_, bound_));
}

}  // namespace
}  // namespace tandem
