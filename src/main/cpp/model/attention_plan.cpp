#include "model/attention_plan.h"

#include <algorithm>

#include "core/sizes.h"
#include "kernels/kernels.h"

namespace tandem {
namespace {

// Queries of one tile: enough to read each line of K and V, and convert it, for many of them.
constexpr int64_t kTileQueries = 48;
// What reading a block from memory costs, in queries that are computed meanwhile.
constexpr int64_t kReadCost = 8;
// With more tiles than this for each thread, whole tiles are pieces that are small enough.
constexpr int64_t kSplitTilesPerThread = 16;

}  // namespace

AttentionPlan::AttentionPlan(const Config& config, int nThreads)
    : c_(config),
      nThreads_(nThreads),
      tileRows_(std::max<int64_t>(1, kTileQueries / config.queryGroup())),
      maxSplitTiles_(kSplitTilesPerThread * nThreads),
      blocksDone_(std::make_unique<std::atomic<int64_t>[]>(static_cast<size_t>(maxSplitTiles_))) {}

void AttentionPlan::reserve(int64_t nRows, int64_t capacity) {
  tiles_.reserve(static_cast<size_t>(checkedProduct({nRows, c_.nKvHeads}, "scratch")));
  const int64_t queries = std::min(nRows * c_.nHeads, maxSplitTiles_ * maxQueries());
  const int64_t blocks = ceilDiv(capacity, kKvBlock);
  partials_.reserve(
      checkedProduct({queries, blocks, attentionPartialFloats(c_.headDim)}, "scratch"));
}

int64_t AttentionPlan::blockCost(const Tile& tile) const {
  return tile.nRows * c_.queryGroup() + kReadCost;
}

void AttentionPlan::make(const std::vector<Segment>& segments) {
  int64_t nTiles = 0;
  for (const Segment& s : segments) nTiles += c_.nKvHeads * ceilDiv(s.nRows, tileRows_);
  requireRoom(nTiles, static_cast<int64_t>(tiles_.capacity()), "tiles of attention");
  split_ = nTiles <= maxSplitTiles_;
  for (int64_t i = 0; split_ && i < nTiles; ++i) {  // else a pass that failed leaves its counts
    blocksDone_[static_cast<size_t>(i)].store(0, std::memory_order_relaxed);
  }
  tiles_.clear();
  cost_ = 0;
  smallest_ = 1;
  int64_t nPartials = 0;
  for (const Segment& s : segments) {
    for (int64_t kvHead = 0; kvHead < c_.nKvHeads; ++kvHead) {
      for (int64_t row = 0; row < s.nRows; row += tileRows_) {
        const int64_t nRows = std::min(tileRows_, s.nRows - row);
        const int64_t nBlocks = ceilDiv(s.position + row + nRows, kKvBlock);
        tiles_.push_back({&s, kvHead, row, nRows, nBlocks, cost_, nullptr});
        const int64_t cost = blockCost(tiles_.back());
        cost_ += nBlocks * cost;
        smallest_ = std::max(smallest_, split_ ? cost : nBlocks * cost);
        if (!split_) continue;
        tiles_.back().partials = partials_.data() + nPartials;
        nPartials += nRows * c_.queryGroup() * nBlocks * attentionPartialFloats(c_.headDim);
        requireRoom(nPartials, partials_.size(), "partial results of attention");
      }
    }
  }
  nTasks_ = shares().count();
}

AttentionPlan::Cut AttentionPlan::cutAt(int64_t cost) const {
  const auto after =
      std::upper_bound(tiles_.begin(), tiles_.end(), cost,
                       [](int64_t c, const Tile& tile) { return c < tile.firstCost; });
  const Tile& last = *std::prev(after);
  const int64_t unit = split_ ? blockCost(last) : last.nBlocks * blockCost(last);
  const int64_t units = (cost - last.firstCost + unit / 2) / unit;  // the nearest
  return {std::prev(after) - tiles_.begin(), split_ ? units : units * last.nBlocks};
}

bool AttentionPlan::finish(const Part& part) {
  std::atomic<int64_t>& done = blocksDone_[static_cast<size_t>(part.tile - tiles_.data())];
  const int64_t n = part.end - part.begin;
  if (done.fetch_add(n, std::memory_order_acq_rel) + n < part.tile->nBlocks) return false;
  done.store(0, std::memory_order_relaxed);
  return true;
}

}  // namespace tandem
