#include "model/kv_cache.h"

#include "core/reserved_memory.h"
#include "core/sizes.h"
#include "model/model_testing.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tandem {
namespace {

StageSpec spec(int64_t nLayers, int64_t nKvHeads, int64_t headDim) {
  StageSpec s{};
  s.config.nLayers = nLayers;
  s.config.nHeads = nKvHeads;
  s.config.nKvHeads = nKvHeads;
  s.config.headDim = headDim;
  s.layerEnd = nLayers;
  return s;
}

TEST(KvCacheTest, StoresKeysInPanelsAndValuesInRows) {
  constexpr int64_t kLayers = 2, kHeads = 3, kDim = 5, kCapacity = 40;
  KvCache cache(spec(kLayers, kHeads, kDim), kCapacity);
  Random random(7);
  const auto value = [](int64_t layer, int64_t head, int64_t pos, int64_t d, bool isV) {
    return static_cast<float>((((layer * 10 + head) * 100 + pos) * 10 + d) * 2 + (isV ? 1 : 0));
  };
  constexpr int64_t kStride = 17;
  for (int64_t pos = 0; pos < kCapacity;) {
    const int64_t n = std::min<int64_t>(kCapacity - pos, random.between(1, 23));
    for (int64_t layer = 0; layer < kLayers; ++layer) {
      for (int64_t head = 0; head < kHeads; ++head) {
        std::vector<float> k(static_cast<size_t>(n * kStride)), v(k.size());
        for (int64_t i = 0; i < n * kDim; ++i) {
          const auto at = static_cast<size_t>(i / kDim * kStride + i % kDim);
          k[at] = value(layer, head, pos + i / kDim, i % kDim, false);
          v[at] = value(layer, head, pos + i / kDim, i % kDim, true);
        }
        cache.store(layer, head, pos, {k.data(), n, kDim, kStride}, {v.data(), n, kDim, kStride});
      }
    }
    pos += n;
  }
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    for (int64_t head = 0; head < kHeads; ++head) {
      for (int64_t i = 0; i < kCapacity * kDim; ++i) {
        const int64_t pos = i / kDim, d = i % kDim;
        EXPECT_EQ(cache.k(layer, head)[(pos / 16 * kDim + d) * 16 + pos % 16],
                  value(layer, head, pos, d, false));
        EXPECT_EQ(cache.v(layer, head)[pos * kDim + d], value(layer, head, pos, d, true));
      }
    }
  }
}

TEST(KvCacheTest, BytesAreWholePagesOfWholePanels) {
  const int64_t page = ReservedMemory::pageBytes();
  EXPECT_EQ(KvCache::bytes(spec(2, 3, 64), 1000), roundUp(2 * 2 * 3 * 64 * 1008 * 4, page));
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
  KvCache cache(s, kCapacity);
  const float* base = cache.k(0, 0);
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
