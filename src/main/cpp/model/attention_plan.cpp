#include "model/attention_plan.h"

#include <algorithm>

#include "core/sizes.h"
#include "kernels/kernels.h"

namespace tandem {
namespace {

// Queries of one band: enough to share the reading and conversion of each line of K and V.
constexpr int64_t kBandQueries = 48;
// The cost of reading a page from memory, in queries that are computed in the same time.
constexpr int64_t kReadCost = 8;
// With more bands than this for each thread, whole bands are small enough as pieces.
constexpr int64_t kSplitBandsPerThread = 16;

}  // namespace

AttentionPlan::AttentionPlan(const Config& config, int nThreads)
    : c_(config),
      nThreads_(nThreads),
      bandRows_(std::max<int64_t>(1, kBandQueries / config.headsPerKvHead())),
      maxSplitBands_(kSplitBandsPerThread * nThreads),
      pagesDone_(std::make_unique<std::atomic<int64_t>[]>(static_cast<size_t>(maxSplitBands_))) {}

void AttentionPlan::reserve(int64_t nRows, int64_t capacity) {
  bands_.reserve(static_cast<size_t>(checkedProduct({nRows, c_.nKvHeads}, "scratch")));
  const int64_t queries = std::min(nRows * c_.nHeads, maxSplitBands_ * maxQueries());
  const int64_t pages = ceilDiv(capacity, kKvPage);
  partials_.reserve(
      checkedProduct({queries, pages, attentionPartialFloats(c_.headDim)}, "scratch"));
}

int64_t AttentionPlan::pageCost(const Band& band) const {
  return band.nRows * c_.headsPerKvHead() + kReadCost;
}

void AttentionPlan::make(const std::vector<Segment>& segments) {
  int64_t nBands = 0;
  for (const Segment& s : segments) nBands += c_.nKvHeads * ceilDiv(s.nRows, bandRows_);
  requireRoom(nBands, static_cast<int64_t>(bands_.capacity()), "bands of attention");
  split_ = nBands <= maxSplitBands_;
  // A pass that failed may have left its counts.
  for (int64_t i = 0; split_ && i < nBands; ++i) {
    pagesDone_[static_cast<size_t>(i)].store(0, std::memory_order_relaxed);
  }
  bands_.clear();
  cost_ = 0;
  smallest_ = 1;
  int64_t nPartials = 0;
  for (const Segment& s : segments) {
    for (int64_t kvHead = 0; kvHead < c_.nKvHeads; ++kvHead) {
      for (int64_t row = 0; row < s.nRows; row += bandRows_) {
        const int64_t nRows = std::min(bandRows_, s.nRows - row);
        const int64_t nPages = ceilDiv(s.position + row + nRows, kKvPage);
        bands_.push_back({&s, kvHead, row, nRows, nPages, cost_, nullptr});
        const int64_t cost = pageCost(bands_.back());
        cost_ += nPages * cost;
        smallest_ = std::max(smallest_, split_ ? cost : nPages * cost);
        if (!split_) continue;
        bands_.back().partials = partials_.data() + nPartials;
        nPartials += nRows * c_.headsPerKvHead() * nPages * attentionPartialFloats(c_.headDim);
        requireRoom(nPartials, partials_.size(), "partial results of attention");
      }
    }
  }
  nTasks_ = workSplit().count();
}

AttentionPlan::Cut AttentionPlan::cutAt(int64_t cost) const {
  const auto after =
      std::upper_bound(bands_.begin(), bands_.end(), cost,
                       [](int64_t c, const Band& band) { return c < band.firstCost; });
  const Band& last = *std::prev(after);
  const int64_t unit = split_ ? pageCost(last) : last.nPages * pageCost(last);
  const int64_t units = (cost - last.firstCost + unit / 2) / unit;  // the nearest page
  return {std::prev(after) - bands_.begin(), split_ ? units : units * last.nPages};
}

bool AttentionPlan::finish(const PageRange& pages) {
  std::atomic<int64_t>& done = pagesDone_[static_cast<size_t>(pages.band - bands_.data())];
  const int64_t n = pages.end - pages.begin;
  if (done.fetch_add(n, std::memory_order_acq_rel) + n < pages.band->nPages) return false;
  done.store(0, std::memory_order_relaxed);
  return true;
}

}  // namespace tandem
