#include "model/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "blas/openblas.h"
#include "core/sizes.h"

namespace tandem {
namespace {

// Outputs of one sgemm call. The partition depends on the shape alone, and so do the bits. 384
// costs nothing against one call (256 rows of GPT-2's shapes on two threads: 418 GFLOP/s,
// OpenBLAS's own two threads 412) and 192 two percent, which buys work for twice as many threads.
constexpr int64_t kSgemmOutputs = 384;
constexpr int64_t kNarrowSgemmOutputs = 192;
constexpr int64_t kNarrow = 2048;  // matrices with fewer outputs use the narrow panels

// Row-exact tasks. The kernel streams the weights once for up to kFewRows; tasks are then bounded
// by the bytes they read, long enough to hide their handing out and short enough to end together.
// For more rows it works in blocks of up to kMaxBlockOutputs.
constexpr int64_t kFewRows = 6;
constexpr int64_t kTaskWeights = 16384;
constexpr int64_t kMaxBlockOutputs = 128;
constexpr int64_t kOutputStep = 16;
constexpr int64_t kTasksPerThread = 4;

int64_t chunkOutputs(const Linear& w) {
  return w.nOut < kNarrow ? kNarrowSgemmOutputs : kSgemmOutputs;
}

int64_t exactOutputs(const Linear& w, int64_t nRows, int64_t nThreads) {
  if (nRows <= kFewRows) return std::max(kOutputStep, roundUp(kTaskWeights / w.nIn, kOutputStep));
  const int64_t byThreads = roundUp(w.nOut / (kTasksPerThread * nThreads), kOutputStep);
  return std::clamp(byThreads, kOutputStep, kMaxBlockOutputs);
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

// The tasks of one product: first those of the chunks, all chunks of a panel of weights after each
// other while it is in the cache; then those of each exact range.
class Tasks {
 public:
  Tasks(const Product& product, const RowRanges& rows, int64_t nThreads)
      : product_(product), rows_(rows), nThreads_(nThreads) {}

  int64_t count() const {
    int64_t n = nChunkTasks();
    for (const RowRange& range : rows_.exact) n += nExactTasks(range);
    return n;
  }

  void run(int64_t task, const KernelTable& kernels) const {
    if (task < nChunkTasks()) {
      const int64_t nChunks = size(rows_.chunks);
      const RowRange& chunk = rows_.chunks[static_cast<size_t>(task % nChunks)];
      return sgemm(part(chunk, task / nChunks, chunkOutputs(product_.w)), kernels);
    }
    task -= nChunkTasks();
    auto range = rows_.exact.begin();
    for (; task >= nExactTasks(*range); ++range) task -= nExactTasks(*range);
    rowExact(part(*range, task, exactOutputs(product_.w, range->count, nThreads_)), kernels);
  }

 private:
  static int64_t size(const std::vector<RowRange>& v) { return static_cast<int64_t>(v.size()); }
  int64_t nChunkTasks() const {
    return size(rows_.chunks) * ceilDiv(product_.w.nOut, chunkOutputs(product_.w));
  }
  int64_t nExactTasks(const RowRange& range) const {
    return ceilDiv(product_.w.nOut, exactOutputs(product_.w, range.count, nThreads_));
  }
  Part part(const RowRange& rows, int64_t panel, int64_t nOutputs) const {
    const int64_t oBegin = panel * nOutputs;
    return {&product_, rows, oBegin, std::min(oBegin + nOutputs, product_.w.nOut)};
  }

  const Product& product_;
  const RowRanges& rows_;
  int64_t nThreads_;
};

}  // namespace

void multiply(std::initializer_list<Product> products, const RowRanges& rows, ThreadPool& pool,
              const KernelTable& kernels) {
  const auto tasksOf = [&](const Product& p) { return Tasks(p, rows, pool.size()); };
  int64_t nTasks = 0;
  for (const Product& p : products) {
    assert(p.x.cols == p.w.nIn && p.y.cols == p.w.nOut && p.x.rows == p.y.rows);
    nTasks += tasksOf(p).count();
  }
  pool.run(nTasks, [&](int64_t task, int) {
    const Product* p = products.begin();
    for (; task >= tasksOf(*p).count(); ++p) task -= tasksOf(*p).count();
    tasksOf(*p).run(task, kernels);
  });
}

}  // namespace tandem
