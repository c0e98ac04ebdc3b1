#include "model/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "blas/openblas.h"
#include "core/shares.h"
#include "core/sizes.h"

namespace tandem {
namespace {

// Outputs of one sgemm call. The partition depends on the shape alone, and so do the bits. 384
// costs nothing against one call (256 rows of GPT-2's shapes on two threads: 418 GFLOP/s,
// OpenBLAS's own two threads 412) and 192 two percent, which buys work for twice as many threads.
constexpr int64_t kSgemmOutputs = 384;
constexpr int64_t kNarrowSgemmOutputs = 192;
constexpr int64_t kNarrow = 2048;  // matrices with fewer outputs use the narrow panels

// Row-exact tasks. Up to kFewRows the kernel streams the weights once, and a task has at least so
// many of them; for more rows it works in blocks of up to kBlockOutputs.
constexpr int64_t kFewRows = 6;
constexpr int64_t kFewestWeights = 16384;
constexpr int64_t kBlockOutputs = 128;
constexpr int64_t kOutputStep = 16;

int64_t chunkOutputs(const Linear& w) {
  return w.nOut < kNarrow ? kNarrowSgemmOutputs : kSgemmOutputs;
}

// Some rows of a product, and some of its outputs.
struct Part {
  const Product* product;
  RowRange rows;
  int64_t oBegin, oEnd;
};

void rowExact(const Part& part, const KernelTable& kernels) {
  const Product& p = *part.product;
  MatmulArgs a{};
  a.x = p.x.row(part.rows.begin);
  a.w = p.w.w;
  a.bias = p.w.bias;
  a.y = p.y.row(part.rows.begin);
  a.ldx = p.x.stride;
  a.ldw = p.w.nIn;
  a.ldy = p.y.stride;
  a.nRows = part.rows.count;
  a.nIn = p.w.nIn;
  a.accumulate = p.accumulate;
  kernels.matmul(a, part.oBegin, part.oEnd);
}

// Puts the bias where sgemm adds the product to it.
void startWithBias(const Part& part, const KernelTable& kernels) {
  const Product& p = *part.product;
  const float* bias = p.w.bias + part.oBegin;
  const int64_t n = part.oEnd - part.oBegin;
  for (int64_t r = part.rows.begin; r < part.rows.begin + part.rows.count; ++r) {
    float* y = p.y.row(r) + part.oBegin;
    if (p.accumulate) {
      kernels.add(y, bias, n);
    } else {
      std::memcpy(y, bias, static_cast<size_t>(n) * sizeof(float));
    }
  }
}

void sgemm(const Part& part, const KernelTable& kernels) {
  const Product& p = *part.product;
  const bool hasBias = p.w.bias != nullptr;
  if (hasBias) startWithBias(part, kernels);
  blas::SgemmArgs a{};
  a.x = p.x.row(part.rows.begin);
  a.w = p.w.w + part.oBegin * p.w.nIn;
  a.y = p.y.row(part.rows.begin) + part.oBegin;
  a.ldx = p.x.stride;
  a.ldw = p.w.nIn;
  a.ldy = p.y.stride;
  a.m = part.rows.count;
  a.n = part.oEnd - part.oBegin;
  a.k = p.w.nIn;
  a.beta = hasBias || p.accumulate ? 1.0f : 0.0f;
  blas::sgemm(a);
}

// The tasks of some products: first those of the chunks, all chunks of a panel of weights after
// each other while it is in the cache; then those of each exact range, whose outputs are cut as if
// the products were one.
class Tasks {
 public:
  Tasks(std::initializer_list<Product> products, const RowRanges& rows, int64_t nThreads)
      : products_(products), rows_(rows), nThreads_(nThreads) {
    for (const Product& p : products) {
      assert(p.x.cols == p.w.nIn && p.y.cols == p.w.nOut && p.x.rows == p.y.rows);
      assert(p.w.nIn == products.begin()->w.nIn);
      nOutputs_ += p.w.nOut;
      nChunkTasks_ += nChunkTasks(p);
    }
  }

  int64_t count() const {
    int64_t n = nChunkTasks_;
    for (const RowRange& range : rows_.exact) n += exactShares(range).count();
    return n;
  }

  void run(int64_t task, const KernelTable& kernels) const {
    if (task < nChunkTasks_) return runChunk(task, kernels);
    task -= nChunkTasks_;
    for (const RowRange& range : rows_.exact) {
      const Shares shares = exactShares(range);
      const int64_t n = shares.count();
      if (task < n) return runExact(range, shares[task], kernels);
      task -= n;
    }
  }

 private:
  int64_t nChunks() const { return static_cast<int64_t>(rows_.chunks.size()); }
  int64_t nChunkTasks(const Product& p) const {
    return nChunks() * ceilDiv(p.w.nOut, chunkOutputs(p.w));
  }

  void runChunk(int64_t task, const KernelTable& kernels) const {
    const Product* p = products_.begin();
    for (; task >= nChunkTasks(*p); ++p) task -= nChunkTasks(*p);
    const RowRange& chunk = rows_.chunks[static_cast<size_t>(task % nChunks())];
    const int64_t oBegin = task / nChunks() * chunkOutputs(p->w);
    sgemm({p, chunk, oBegin, std::min(oBegin + chunkOutputs(p->w), p->w.nOut)}, kernels);
  }

  Shares exactShares(const RowRange& range) const {
    const int64_t nIn = products_.begin()->w.nIn;
    const int64_t smallest = std::max(kOutputStep, roundUp(kFewestWeights / nIn, kOutputStep));
    const Shares::Limits few{kOutputStep, smallest, roundUp(nOutputs_ + smallest, kOutputStep)};
    const Shares::Limits many{kOutputStep, kOutputStep, kBlockOutputs};
    return Shares(nOutputs_, range.count <= kFewRows ? few : many, nThreads_);
  }

  void runExact(const RowRange& range, Shares::Piece outputs, const KernelTable& kernels) const {
    for (const Product& p : products_) {
      const int64_t begin = std::max<int64_t>(outputs.begin, 0);
      const int64_t end = std::min(outputs.end, p.w.nOut);
      if (begin < end) rowExact({&p, range, begin, end}, kernels);
      outputs.begin -= p.w.nOut;  // from here on counted in the next product
      outputs.end -= p.w.nOut;
    }
  }

  std::initializer_list<Product> products_;
  const RowRanges& rows_;
  int64_t nThreads_;
  int64_t nOutputs_ = 0;     // of all products
  int64_t nChunkTasks_ = 0;  // the same
};

}  // namespace

void multiply(std::initializer_list<Product> products, const RowRanges& rows, ThreadPool& pool,
              const KernelTable& kernels) {
  const Tasks tasks(products, rows, pool.size());
  pool.run(tasks.count(), [&](int64_t task, int) { tasks.run(task, kernels); });
}

}  // namespace tandem
