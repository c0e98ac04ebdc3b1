// How the attention of a pass is shared out to threads: the same for all its layers.
//
// The work is cut into tiles, the rows of one segment for one KV head, and a tile's positions into
// blocks, in one line. Pieces of that line are tasks, large at first and small at the end, so that
// threads read long streams and yet finish together. Where there are few tiles (a single sequence
// that generates) pieces may cut a tile between blocks; its results are then added by whoever
// finishes last. None of this decides bits.
#ifndef TANDEM_MODEL_ATTENTION_PLAN_H_
#define TANDEM_MODEL_ATTENTION_PLAN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/buffer.h"
#include "core/shares.h"
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
  struct Tile {
    const Segment* segment;
    int64_t kvHead;
    int64_t row, nRows;  // within the segment
    int64_t nBlocks;
    int64_t firstCost;  // where it begins in the line
    float* partials;    // room for those of all its blocks, or null
  };
  // Blocks [begin, end) of a tile.
  struct Part {
    const Tile* tile;
    int64_t begin, end;
    bool whole() const { return begin == 0 && end == tile->nBlocks; }
  };

  // config must outlive this.
  AttentionPlan(const Config& config, int nThreads);
  AttentionPlan(const AttentionPlan&) = delete;
  AttentionPlan& operator=(const AttentionPlan&) = delete;

  // Makes room for passes of nRows rows over caches of `capacity` positions. make() does not
  // allocate; for a larger pass it is an Error(kInternal).
  void reserve(int64_t nRows, int64_t capacity);
  // The segments must stay where they are while the plan is used.
  void make(const std::vector<Segment>& segments);

  int64_t nTasks() const { return nTasks_; }
  int64_t maxQueries() const { return tileRows_ * c_.queryGroup(); }  // of a tile
  // Calls body(part) for the parts of that task.
  template <class F>
  void eachPart(int64_t task, F&& body) const {
    const Shares::Piece piece = shares()[task];
    const Cut from = cutAt(piece.begin);
    const Cut to = cutAt(piece.end);
    for (int64_t i = from.tile; i <= to.tile; ++i) {
      const int64_t begin = i == from.tile ? from.block : 0;
      const int64_t end = i == to.tile ? to.block : tile(i).nBlocks;
      if (begin < end) body(Part{&tile(i), begin, end});
    }
  }
  // Counts a part that has been reduced to partials; true if that was the last of its tile. All
  // that was written before other calls for the tile can then be read.
  bool finish(const Part& part);

 private:
  struct Cut {
    int64_t tile, block;
  };
  const Tile& tile(int64_t i) const { return tiles_[static_cast<size_t>(i)]; }
  int64_t blockCost(const Tile& tile) const;
  Shares shares() const { return Shares(cost_, {1, smallest_, cost_}, nThreads_); }
  Cut cutAt(int64_t cost) const;

  const Config& c_;
  int64_t nThreads_;
  int64_t tileRows_;
  int64_t maxSplitTiles_;

  std::vector<Tile> tiles_;
  std::unique_ptr<std::atomic<int64_t>[]> blocksDone_;  // (maxSplitTiles), 0 between layers
  FloatBuffer partials_;
  int64_t cost_ = 0;      // of the whole line
  int64_t smallest_ = 1;  // cost of a piece
  int64_t nTasks_ = 0;
  bool split_ = false;  // whether pieces may cut tiles
};

}  // namespace tandem

#endif  // TANDEM_MODEL_ATTENTION_PLAN_H_
