#include "model/attention_plan.h"

#include <algorithm>

#include "core/sizes.h"
#include "kernels/kernels.h"

namespace tandem {
namespace {

// Queries of one tile: enough to share the reading and conversion of each line of K and V.
constexpr int64_t kTileQueries = 48;
// The cost of reading a page from memory, in queries that are computed in the same time.
constexpr int64_t kReadCost = 8;
// With more tiles than this for each thread, whole tiles are small enough as pieces.
constexpr int64_t kSplitTilesPerThread = 16;

}  // namespace

AttentionPlan::AttentionPlan(const Config& config, int nThreads)
    : c_(config),
      nThreads_(nThreads),
      tileRows_(std::max<int64_t>(1, kTileQueries / config.queryGroup())),
      maxSplitTiles_(kSplitTilesPerThread * nThreads),
      pagesDone_(std::make_unique<std::atomic<int64_t>[]>(static_cast<size_t>(maxSplitTiles_))) {}

void AttentionPlan::reserve(int64_t nRows, int64_t capacity) {
  tiles_.reserve(static_cast<size_t>(checkedProduct({nRows, c_.nKvHeads}, "scratch")));
  const int64_t queries = std::min(nRows * c_.nHeads, maxSplitTiles_ * maxQueries());
  const int64_t pages = ceilDiv(capacity, kKvPage);
  partials_.reserve(
      checkedProduct({queries, pages, attentionPartialFloats(c_.headDim)}, "scratch"));
}

int64_t AttentionPlan::pageCost(const Tile& tile) const {
  return tile.nRows * c_.queryGroup() + kReadCost;
}

void AttentionPlan::make(const std::vector<Segment>& segments) {
  int64_t nTiles = 0;
  for (const Segment& s : segments) nTiles += c_.nKvHeads * ceilDiv(s.nRows, tileRows_);
  requireRoom(nTiles, static_cast<int64_t>(tiles_.capacity()), "tiles of attention");
  split_ = nTiles <= maxSplitTiles_;
  for (int64_t i = 0; split_ && i < nTiles;
       ++i) {  // otherwise a failed pass would leave its counts
    pagesDone_[static_cast<size_t>(i)].store(0, std::memory_order_relaxed);
  }
  tiles_.clear();
  cost_ = 0;
  smallest_ = 1;
  int64_t nPartials = 0;
  for (const Segment& s : segments) {
    for (int64_t kvHead = 0; kvHead < c_.nKvHeads; ++kvHead) {
      for (int64_t row = 0; row < s.nRows; row += tileRows_) {
        const int64_t nRows = std::min(tileRows_, s.nRows - row);
        const int64_t nPages = ceilDiv(s.position + row + nRows, kKvPage);
        tiles_.push_back({&s, kvHead, row, nRows, nPages, cost_, nullptr});
        const int64_t cost = pageCost(tiles_.back());
        cost_ += nPages * cost;
        smallest_ = std::max(smallest_, split_ ? cost : nPages * cost);
        if (!split_) continue;
        tiles_.back().partials = partials_.data() + nPartials;
        nPartials += nRows * c_.queryGroup() * nPages * attentionPartialFloats(c_.headDim);
        requireRoom(nPartials, partials_.size(), "partial results of attention");
      }
    }
  }
  nTasks_ = workSplit().count();
}

AttentionPlan::Cut AttentionPlan::cutAt(int64_t cost) const {
  const auto after =
      std::upper_bound(tiles_.begin(), tiles_.end(), cost,
                       [](int64_t c, const Tile& tile) { return c < tile.firstCost; });
  const Tile& last = *std::prev(after);
  const int64_t unit = split_ ? pageCost(last) : last.nPages * pageCost(last);
  const int64_t units = (cost - last.firstCost + unit / 2) / unit;  // the nearest page
  return {std::prev(after) - tiles_.begin(), split_ ? units : units * last.nPages};
}

bool AttentionPlan::finish(const Part& part) {
  std::atomic<int64_t>& done = pagesDone_[static_cast<size_t>(part.tile - tiles_.data())];
  const int64_t n = part.end - part.begin;
  if (done.fetch_add(n, std::memory_order_acq_rel) + n < part.tile->nPages) return false;
  done.store(0, std::memory_order_relaxed);
  return true;
}

}  // namespace tandem
