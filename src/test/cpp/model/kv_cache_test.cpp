#include "model/kv_cache.h"

#include "core/reserved_memory.h"
#include "core/sizes.h"
#include "kernels/kv_testing.h"
#include "model/model_testing.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tandem {
namespace {

StageSpec spec(int64_t nLayers, int64_t nKvHeads, int64_t headDim, KvType type = KvType::kF32) {
  StageSpec s{};
  s.config.nLayers = nLayers;
  s.config.nHeads = nKvHeads;
  s.config.nKvHeads = nKvHeads;
  s.config.headDim = headDim;
  s.layerEnd = nLayers;
  s.kvType = type;
  return s;
}

TEST(KvCacheTest, EveryHeadOfEveryLayerHasAPlaceOfItsOwn) {
  constexpr int64_t kLayers = 2, kHeads = 3, kDim = 5, kCapacity = 40;
  constexpr int64_t kStride = 17;
  for (const KvType type : kAllKvTypes) {
    const StageSpec s = spec(kLayers, kHeads, kDim, type);
    KvCache cache(s, kernels("scalar"), kCapacity);
    Random random(7);
    std::vector<PlainKv> expected(kLayers * kHeads, PlainKv(type, kDim, kCapacity));
    for (int64_t pos = 0; pos < kCapacity;) {
      const int64_t n = std::min<int64_t>(kCapacity - pos, random.between(1, 23));
      for (int64_t i = 0; i < kLayers * kHeads; ++i) {
        const std::vector<float> k = random.reals(n * kStride), v = random.reals(n * kStride);
        for (int64_t r = 0; r < n; ++r) {
          expected[static_cast<size_t>(i)].setKey(pos + r, k.data() + r * kStride);
          expected[static_cast<size_t>(i)].setValue(pos + r, v.data() + r * kStride);
        }
        cache.store(i / kHeads, i % kHeads, pos, {k.data(), n, kDim, kStride},
                    {v.data(), n, kDim, kStride});
      }
      pos += n;
    }
    for (int64_t i = 0; i < kLayers * kHeads; ++i) {
      SCOPED_TRACE(std::string(kvTypeName(type)) + " head " + std::to_string(i));
      const PlainKv& e = expected[static_cast<size_t>(i)];
      const void* v = cache.v(i / kHeads, i % kHeads);
      EXPECT_EQ(std::memcmp(v, e.v.data(), e.v.size()), 0);
      PlainKv actual(type, kDim, kCapacity);  // the last group's other half was never written
      std::memcpy(actual.k.data(), cache.k(i / kHeads, i % kHeads), actual.k.size());
      for (int64_t t = 0; t < kCapacity; ++t) {
        for (int64_t d = 0; d < kDim; ++d) EXPECT_EQ(actual.key(t, d), e.key(t, d));
      }
    }
  }
}

TEST(KvCacheTest, BytesAreWholeMemoryPagesOfWholeGroups) {
  const int64_t page = ReservedMemory::pageBytes();
  EXPECT_EQ(KvCache::bytes(spec(2, 3, 64), 1000), roundUp(2 * 2 * 3 * 64 * 1008 * 4, page));
  EXPECT_EQ(KvCache::bytes(spec(2, 3, 64, KvType::kF16), 1000),
            roundUp(2 * 2 * 3 * 64 * 1008 * 2, page));
  EXPECT_EQ(KvCache::bytes(spec(2, 3, 64, KvType::kQ8), 1000),
            roundUp(2 * 2 * 3 * (64 + 4) * 1008, page));
  EXPECT_EQ(KvCache::bytes(spec(1, 1, 8, KvType::kQ8), 16),
            roundUp(2 * roundUp((8 + 2) * 16, 64), page));
  EXPECT_EQ(KvCache::bytes(spec(2, 3, 64), 0), 0);
  EXPECT_EQ(KvCache::bytes(spec(0, 3, 64), 1000), 0);
  EXPECT_THROW(KvCache::bytes(spec(int64_t{1} << 16, int64_t{1} << 24, int64_t{1} << 24), 1),
               Error);
}

TEST(KvCacheTest, AnImpossibleReservationIsAnError) {
  EXPECT_THROW(ReservedMemory(int64_t{1} << 60), Error);
}

#if defined(__linux__)
int64_t residentPages(const void* data, int64_t bytes) {
  const int64_t page = ReservedMemory::pageBytes();
  std::vector<unsigned char> pages(static_cast<size_t>(ceilDiv(bytes, page)));
  EXPECT_EQ(mincore(const_cast<void*>(data), static_cast<size_t>(bytes), pages.data()), 0);
  int64_t n = 0;
  for (const unsigned char p : pages) n += p & 1;
  return n;
}

TEST(KvCacheTest, MemoryIsTouchedOnlyAsItFills) {
  constexpr int64_t kDim = 64, kCapacity = 1024;
  const StageSpec s = spec(1, 2, kDim);
  KvCache cache(s, kernels(nullptr), kCapacity);
  const void* base = cache.k(0, 0);
  const int64_t bytes = KvCache::bytes(s, kCapacity);
  EXPECT_EQ(residentPages(base, bytes), 0);
  const std::vector<float> row(kDim, 1.0F);
  int64_t before = 0;
  for (int64_t pos = 0; pos < kCapacity; ++pos) {
    for (int64_t head = 0; head < 2; ++head) {
      cache.store(0, head, pos, {row.data(), 1, kDim, kDim}, {row.data(), 1, kDim, kDim});
    }
    if (pos % 128 != 127) continue;
    const int64_t now = residentPages(base, bytes);
    EXPECT_GT(now, before);
    EXPECT_LE(now * ReservedMemory::pageBytes(), KvCache::bytes(s, pos + 1));
    before = now;
  }
}
#endif

}  // namespace
}  // namespace tandem
