// Splits the attention of a pass among threads; the plan is the same for all its layers.
//
// A band is the rows of one segment for one KV head. The pages of all bands form one line of work.
// Pieces of that line are tasks, large at first and small at the end, so that threads read long
// streams but finish together. If there are few bands (a single sequence that generates), pieces
// may cut a band between pages; the thread that finishes last then adds its results. None of this
// decides bits.
#ifndef TANDEM_MODEL_ATTENTION_PLAN_H_
#define TANDEM_MODEL_ATTENTION_PLAN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/buffer.h"
#include "core/work_split.h"
#include "model/config.h"
#include "model/kv_cache.h"

namespace tandem {

// Consecutive rows of one sequence in a pass.
struct Segment {
  KvCache* kv;
  int64_t position;  // of its first row
  int64_t row;       // its first row in the pass
  int64_t nRows;
};

class AttentionPlan {
 public:
  struct Band {
    const Segment* segment;
    int64_t kvHead;
    int64_t row, nRows;  // within the segment
    int64_t nPages;
    int64_t firstCost;  // its first position in the line of work
    float* partials;    // room for the partials of all its pages, or null
  };
  // Pages [begin, end) of a band.
  struct PageRange {
    const Band* band;
    int64_t begin, end;
    bool whole() const { return begin == 0 && end == band->nPages; }
  };

  // config must outlive this.
  AttentionPlan(const Config& config, int nThreads);
  AttentionPlan(const AttentionPlan&) = delete;
  AttentionPlan& operator=(const AttentionPlan&) = delete;

  // Makes room for passes of nRows rows over caches of `capacity` positions. make() does not
  // allocate; a larger pass is an Error(kInternal).
  void reserve(int64_t nRows, int64_t capacity);
  // The segments must not move while the plan is used.
  void make(const std::vector<Segment>& segments);

  int64_t nTasks() const { return nTasks_; }
  int64_t maxQueries() const { return bandRows_ * c_.headsPerKvHead(); }  // of a band
  // Calls body(pages) for the page ranges of that task.
  template <class F>
  void eachPageRange(int64_t task, F&& body) const {
    const WorkSplit::Piece piece = workSplit()[task];
    const Cut from = cutAt(piece.begin);
    const Cut to = cutAt(piece.end);
    for (int64_t i = from.band; i <= to.band; ++i) {
      const int64_t begin = i == from.band ? from.page : 0;
      const int64_t end = i == to.band ? to.page : band(i).nPages;
      if (begin < end) body(PageRange{&band(i), begin, end});
    }
  }
  // Counts pages that have been reduced to partials; true if they were the last ones of their band.
  // The caller can then read everything that was written before the other calls for the band.
  bool finish(const PageRange& pages);

 private:
  struct Cut {
    int64_t band, page;
  };
  const Band& band(int64_t i) const { return bands_[static_cast<size_t>(i)]; }
  int64_t pageCost(const Band& band) const;
  WorkSplit workSplit() const { return WorkSplit(cost_, {1, smallest_, cost_}, nThreads_); }
  Cut cutAt(int64_t cost) const;

  const Config& c_;
  int64_t nThreads_;
  int64_t bandRows_;
  int64_t maxSplitBands_;

  std::vector<Band> bands_;
  std::unique_ptr<std::atomic<int64_t>[]> pagesDone_;  // (maxSplitTiles), 0 between layers
  FloatBuffer partials_;
  int64_t cost_ = 0;      // of the whole line
  int64_t smallest_ = 1;  // cost of a piece
  int64_t nTasks_ = 0;
  bool split_ = false;  // whether pieces may cut bands
};

}  // namespace tandem

#endif  // TANDEM_MODEL_ATTENTION_PLAN_H_
