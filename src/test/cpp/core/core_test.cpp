#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <limits>
#include <utility>
#include <vector>

#include "core/buffer.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/sizes.h"
#include "core/views.h"
#include "core/work_split.h"

namespace tandem {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(SizesTest, ProductsAndSumsUpToTheLargest) {
  EXPECT_EQ(checkedProduct({}, "x"), 1);
  EXPECT_EQ(checkedProduct({3, 5, 7}, "x"), 105);
  EXPECT_EQ(checkedProduct({kMax, 1}, "x"), kMax);
  EXPECT_EQ(checkedProduct({kMax, 0}, "x"), 0);
  EXPECT_EQ(checkedSum(kMax - 1, 1, "x"), kMax);
}

TEST(SizesTest, OverflowIsAnErrorThatNamesTheSize) {
  EXPECT_THROW(checkedProduct({kMax, 2}, "x"), Error);
  EXPECT_THROW(checkedProduct({int64_t{1} << 32, int64_t{1} << 31}, "x"), Error);
  try {
    checkedSum(kMax, 1, "KV cache");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInvalid);
    EXPECT_STREQ(e.what(), "KV cache: size does not fit 63 bits");
  }
}

TEST(SizesTest, Rounding) {
  EXPECT_EQ(roundUp(0, 16), 0);
  EXPECT_EQ(roundUp(1, 16), 16);
  EXPECT_EQ(roundUp(16, 16), 16);
  EXPECT_EQ(ceilDiv(17, 16), 2);
}

TEST(FloatBufferTest, GrowsAlignedAndMoves) {
  FloatBuffer a(3);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0U);
  const float* data = a.data();
  a.reserve(2);
  EXPECT_EQ(a.data(), data);
  a.reserve(1000);
  EXPECT_EQ(a.size(), 1000);
  FloatBuffer b = std::move(a);
  EXPECT_EQ(b.size(), 1000);
  EXPECT_EQ(b.data()[0] = 1.0F, 1.0F);
  EXPECT_THROW(b.reserve(kMax), std::bad_alloc);
  EXPECT_EQ(b.size(), 1000);  // a size that can never be is refused before the old block goes
}

TEST(ViewTest, ColumnsKeepTheStride) {
  std::array<float, 12> data{};
  const View2<float> all{data.data(), 3, 4, 4};
  const View2<float> part = all.columns(1, 2);
  EXPECT_EQ(part.row(2), data.data() + 9);
  EXPECT_EQ(part.cols, 2);
}

TEST(ParallelTest, CoversEveryItemOnceWhateverTheCost) {
  ThreadPool pool(3);
  for (const int64_t cost : {int64_t{0}, int64_t{1}, int64_t{5000}, kMax}) {
    for (const int64_t n : {0, 1, 2, 9000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      parallelFor(pool, n, cost, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      for (const std::atomic<int>& count : seen) EXPECT_EQ(count, 1);
    }
  }
}

TEST(WorkSplitTest, CoverEverythingInOrderAndShrink) {
  for (const int64_t nThreads : {1, 2, 3, 64}) {
    for (const int64_t n : {1, 15, 16, 17, 768, 2304, 50257}) {
      for (const int64_t largest : {int64_t{128}, int64_t{1} << 20}) {
        const WorkSplit split(n, {16, 32, largest}, nThreads);
        int64_t at = 0, before = largest;
        for (int64_t i = 0; i < split.count(); ++i) {
          const WorkSplit::Piece piece = split[i];
          const int64_t size = piece.end - piece.begin;
          EXPECT_EQ(piece.begin, at);
          EXPECT_LE(size, before);
          if (piece.end < n) {
            EXPECT_EQ(size % 16, 0);
            EXPECT_GE(size, 32);
          }
          at = piece.end;
          before = size;
        }
        EXPECT_EQ(at, n);
      }
    }
  }
}

TEST(CpuTest, HasATrimmedName) {
  const std::string& name = cpuName();
  ASSERT_FALSE(name.empty());
  EXPECT_NE(name.front(), ' ');
  EXPECT_NE(name.back(), ' ');
}

}  // namespace
}  // namespace tandem
