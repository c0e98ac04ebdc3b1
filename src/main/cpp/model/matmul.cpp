#include "model/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "blas/openblas.h"
#include "core/sizes.h"
#include "core/work_split.h"

namespace tandem {
namespace {

// The outputs of one sgemm call, a strip. The strips depend only on the shape, and so do the bits.
// Strips of 384 cost nothing compared with one call (256 rows of GPT-2's shapes on two threads: 418
// GFLOP/s, OpenBLAS's own two threads 412). Strips of 192 cost two percent, but give work to twice
// as many threads.
constexpr int64_t kSgemmOutputs = 384;
constexpr int64_t kNarrowSgemmOutputs = 192;
constexpr int64_t kNarrow = 2048;  // matrices with fewer outputs use the narrow strips

// Tasks of our kernels. Up to kFewRows rows, the kernel streams the weights once, and a task has at
// least this many bytes of them, because each start waits for the memory. With more rows, it
// processes up to kMaxTaskOutputs outputs at a time.
constexpr int64_t kFewRows = 8;
constexpr int64_t kFewestBytes = 65536;
constexpr int64_t kMaxTaskOutputs = 128;
constexpr int64_t kOutputStep = 32;  // two panels, the size of most tiles

int64_t stripOutputs(const Linear& w) {
  return w.nOut < kNarrow ? kNarrowSgemmOutputs : kSgemmOutputs;
}

// Products that live while this does.
struct Products {
  const Product* first;
  size_t count;

  const Product* begin() const { return first; }
  const Product* end() const { return first + count; }
};

// Some rows of a product, and some of its outputs.
struct Region {
  const Product* product;
  RowRange rows;
  int64_t oBegin, oEnd;
};

// The activations of the products, in all types that their kernels read.
struct Rows {
  View2<const float> x;
  View2<const ActivationBlock> quantized;
  View2<const uint16_t> rounded;
};

template <class X, class W>
void run(void (*kernel)(const MatmulArgs<X, W>&, int64_t, int64_t), const Region& region,
         View2<const X> x, int64_t ldw) {
  const Product& p = *region.product;
  MatmulArgs<X, W> a{};
  a.x = x.row(region.rows.begin);
  a.w = static_cast<const W*>(p.w->w);
  a.bias = p.w->bias;
  a.y = p.y.row(region.rows.begin);
  a.ldx = x.stride;
  a.ldw = ldw;
  a.ldy = p.y.stride;
  a.nRows = region.rows.count;
  a.nIn = p.w->nIn;
  a.accumulate = p.accumulate;
  kernel(a, region.oBegin, region.oEnd);
}

template <class Panel>
void runPanels(void (*kernel)(const MatmulArgs<ActivationBlock, Panel>&, int64_t, int64_t),
               const Region& region, const Rows& rows) {
  run(kernel, region, rows.quantized, region.product->w->nIn / kPanelElements<Panel>);
}

void rowExact(const Region& region, const Rows& rows, const KernelTable& kernels) {
  const Linear& w = *region.product->w;
  switch (w.type) {
    case WeightType::kF32:
      return run(kernels.matmulF32, region, rows.x, w.nIn);
    case WeightType::kF16:
      return run(kernels.matmulF16, region, rows.x, w.nIn);
    case WeightType::kBf16:
      return run(kernels.matmulBf16, region, rows.x, w.nIn);
    case WeightType::kQ8:
      return runPanels(kernels.panels.matmulQ8, region, rows);
    case WeightType::kQ4:
      return runPanels(kernels.panels.matmulQ4, region, rows);
    case WeightType::kQ4K:
      return runPanels(kernels.panels.matmulQ4K, region, rows);
    case WeightType::kQ6K:
      return runPanels(kernels.panels.matmulQ6K, region, rows);
  }
}

// Writes the bias to the output, so that sgemm adds the product to it.
void startWithBias(const Region& region, const KernelTable& kernels) {
  const Product& p = *region.product;
  const float* bias = p.w->bias + region.oBegin;
  const int64_t n = region.oEnd - region.oBegin;
  for (int64_t r = region.rows.begin; r < region.rows.begin + region.rows.count; ++r) {
    float* y = p.y.row(r) + region.oBegin;
    if (p.accumulate) {
      kernels.add(y, bias, n);
    } else {
      std::memcpy(y, bias, static_cast<size_t>(n) * sizeof(float));
    }
  }
}

void sgemm(const Region& region, const KernelTable& kernels) {
  const Product& p = *region.product;
  const bool hasBias = p.w->bias != nullptr;
  if (hasBias) startWithBias(region, kernels);
  blas::SgemmArgs a{};
  a.x = p.x.row(region.rows.begin);
  a.w = static_cast<const float*>(p.w->w) + region.oBegin * p.w->nIn;
  a.y = p.y.row(region.rows.begin) + region.oBegin;
  a.ldx = p.x.stride;
  a.ldw = p.w->nIn;
  a.ldy = p.y.stride;
  a.m = region.rows.count;
  a.n = region.oEnd - region.oBegin;
  a.k = p.w->nIn;
  a.beta = hasBias || p.accumulate ? 1.0f : 0.0f;
  blas::sgemm(a);
}

// The region's outputs are complete.
void activate(const Region& region, const KernelTable& kernels) {
  const Product& p = *region.product;
  if (p.activation == nullptr) return;
  const Activation& activation = *p.activation;
  for (int64_t r = region.rows.begin; r < region.rows.begin + region.rows.count; ++r) {
    float* y = p.y.row(r) + region.oBegin;
    kernels.activate(y, y, nullptr, region.oEnd - region.oBegin, activation.kind, activation.table);
  }
}

ChunkKernel chunkKernelOf(const Product& p, const KernelTable& kernels) {
  if (p.w->type == WeightType::kF32) return ChunkKernel::kSgemm;
  const bool dots = p.w->type == WeightType::kBf16 && kernels.bf16Dots.matmul != nullptr;
  return dots ? ChunkKernel::kBf16Dots : ChunkKernel::kRowExact;
}

// The tasks of some products. First those of sgemm: all chunks of a strip of weights, one after
// another, while the strip is in the cache. Then the jobs of our own kernels.
class Tasks {
 public:
  Tasks(const Products& products, const RowRanges& ranges, const Rows& rows,
        std::vector<ProductJob>& jobs, ThreadPool& pool, const KernelTable& kernels)
      : products_(products), ranges_(ranges), rows_(rows), jobs_(jobs), kernels_(kernels) {
    Outputs sgemm{}, dots{}, exact{};
    for (const Product& p : products) {
      assert(p.x.data == rows.x.data && p.x.cols == p.w->nIn);
      assert(p.y.cols == p.w->nOut && p.x.rows == p.y.rows);
      const ChunkKernel kernel = chunkKernelOf(p, kernels);
      (kernel == ChunkKernel::kSgemm      ? sgemm
       : kernel == ChunkKernel::kBf16Dots ? dots
                                          : exact)
          .add(*p.w);
      if (kernel == ChunkKernel::kSgemm) nSgemmTasks_ += nSgemmTasks(p);
    }
    nTasks_ = nSgemmTasks_;
    jobs_.clear();
    const auto add = [&](ChunkKernel of, const RowRange& range, bool bf16Dots, const Outputs& all) {
      if (all.count == 0) return;
      jobs_.push_back({of, range, bf16Dots, all.workSplit(range.count, pool.size()), nTasks_});
      nTasks_ += jobs_.back().outputs.count();
    };
    add(ChunkKernel::kRowExact, {0, rows.x.rows}, /*bf16Dots=*/false, exact);
    for (const RowRange& r : ranges.exact) add(ChunkKernel::kSgemm, r, /*bf16Dots=*/false, sgemm);
    for (const RowRange& r : ranges.exact) add(ChunkKernel::kBf16Dots, r, /*bf16Dots=*/false, dots);
    for (const RowRange& r : ranges.chunks) add(ChunkKernel::kBf16Dots, r, /*bf16Dots=*/true, dots);
  }

  int64_t count() const { return nTasks_; }

  void run(int64_t task) const {
    if (task < nSgemmTasks_) return runSgemm(task);
    const auto after =
        std::upper_bound(jobs_.begin(), jobs_.end(), task,
                         [](int64_t t, const ProductJob& job) { return t < job.firstTask; });
    const ProductJob& job = *std::prev(after);
    runPiece(job, job.outputs[task - job.firstTask]);
  }

 private:
  // The outputs of some products; each product's number is rounded up.
  struct Outputs {
    int64_t count, bytes;

    void add(const Linear& w) {
      const int64_t n = roundUp(w.nOut, kOutputStep);
      count += n;
      bytes += n * bytesPerOutput(w.type, w.nIn);
    }
    WorkSplit workSplit(int64_t nRows, int64_t nThreads) const {
      WorkSplit::Limits limits{};
      limits.step = kOutputStep;
      if (nRows <= kFewRows) {
        limits.smallest = roundUp(ceilDiv(kFewestBytes, bytes / count), kOutputStep);
        limits.largest = roundUp(count + limits.smallest, kOutputStep);
      } else {
        limits.smallest = kOutputStep;
        limits.largest = kMaxTaskOutputs;
      }
      return WorkSplit(count, limits, nThreads);
    }
  };

  int64_t nChunks() const { return static_cast<int64_t>(ranges_.chunks.size()); }
  int64_t nSgemmTasks(const Product& p) const {
    return nChunks() * ceilDiv(p.w->nOut, stripOutputs(*p.w));
  }

  void runSgemm(int64_t task) const {
    const Product* p = products_.begin();
    for (;; ++p) {
      if (chunkKernelOf(*p, kernels_) != ChunkKernel::kSgemm) continue;
      if (task < nSgemmTasks(*p)) break;
      task -= nSgemmTasks(*p);
    }
    const RowRange& chunk = ranges_.chunks[static_cast<size_t>(task % nChunks())];
    const int64_t oBegin = task / nChunks() * stripOutputs(*p->w);
    const Region region{p, chunk, oBegin, std::min(oBegin + stripOutputs(*p->w), p->w->nOut)};
    sgemm(region, kernels_);
    activate(region, kernels_);
  }

  void runPiece(const ProductJob& job, WorkSplit::Piece outputs) const {
    for (const Product& p : products_) {
      if (chunkKernelOf(p, kernels_) != job.products) continue;
      const int64_t begin = std::max<int64_t>(outputs.begin, 0);
      const int64_t end = std::min(outputs.end, p.w->nOut);
      if (begin < end) runRegion({&p, job.rows, begin, end}, job.bf16Dots);
      const int64_t next = roundUp(p.w->nOut, kOutputStep);
      outputs.begin -= next;  // from here on, counted within the next product
      outputs.end -= next;
    }
  }

  void runRegion(const Region& region, bool bf16Dots) const {
    if (bf16Dots) {
      tandem::run(kernels_.bf16Dots.matmul, region, rows_.rounded, region.product->w->nIn);
    } else {
      rowExact(region, rows_, kernels_);
    }
    activate(region, kernels_);
  }

  const Products& products_;
  const RowRanges& ranges_;
  const Rows& rows_;
  std::vector<ProductJob>& jobs_;
  const KernelTable& kernels_;
  int64_t nSgemmTasks_ = 0;
  int64_t nTasks_ = 0;
};

// Converts x to the types that the products' kernels need.
Rows convert(const Products& products, const RowRanges& ranges, ConvertedRows& converted,
             ThreadPool& pool, const KernelTable& kernels) {
  const View2<const float> x = products.begin()->x;
  bool quantized = false, rounded = false;
  for (const Product& p : products) {
    quantized |= inPanels(p.w->type);
    rounded |= chunkKernelOf(p, kernels) == ChunkKernel::kBf16Dots && !ranges.chunks.empty();
  }
  Rows rows{x, {}, {}};
  if (quantized) rows.quantized = converted.quantize(x, pool, kernels);
  if (rounded) rows.rounded = converted.round(x, pool, kernels);
  return rows;
}

}  // namespace

void multiply(std::initializer_list<Product> list, const RowRanges& ranges, ProductScratch& scratch,
              ThreadPool& pool, const KernelTable& kernels) {
  const Products products{list.begin(), list.size()};  // until this returns
  const Rows rows = convert(products, ranges, scratch.converted, pool, kernels);
  const Tasks tasks(products, ranges, rows, scratch.jobs, pool, kernels);
  pool.run(tasks.count(), [&](int64_t task, int) { tasks.run(task); });
}

}  // namespace tandem
