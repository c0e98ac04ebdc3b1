#include "model/matmul.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "blas/openblas.h"
#include "core/sizes.h"

namespace tandem {
namespace {

// Outputs of one sgemm call. The partition is the same for any number of threads, and so are the
// bits. 384 costs nothing against one call (measured with 256 rows of GPT-2's shapes: 418 GFLOP/s
// on two threads, OpenBLAS's own two threads 412); 256 and 512 lose up to a quarter.
constexpr int64_t kSgemmOutputs = 384;

// A row-exact task: this many weights for one row, and a block of rows whose inputs stay in the
// second-level cache.
constexpr int64_t kTaskWeights = 16384;
constexpr int64_t kBlockInputs = 131072;
constexpr int64_t kOutputStep = 16;

// How one product is cut into tasks: blocks of rows times ranges of outputs.
struct Cut {
  int64_t rows, outputs;        // of one task
  int64_t nRowBlocks, nRanges;  // tasks = nRowBlocks * nRanges

  int64_t nTasks() const { return nRowBlocks * nRanges; }
};

Cut cutOf(const Product& p, Arithmetic arithmetic) {
  Cut cut{};
  if (arithmetic == Arithmetic::kSgemm) {
    cut.rows = p.x.rows;
    cut.outputs = kSgemmOutputs;
  } else {
    cut.rows = std::min(p.x.rows, std::max(kOutputStep, kBlockInputs / p.w.nIn));
    cut.outputs = std::max(kOutputStep, roundUp(kTaskWeights / p.w.nIn, kOutputStep));
  }
  cut.nRowBlocks = ceilDiv(p.x.rows, cut.rows);
  cut.nRanges = ceilDiv(p.w.nOut, cut.outputs);
  return cut;
}

void rowExact(const Product& p, int64_t row, int64_t nRows, int64_t oBegin, int64_t oEnd,
              const KernelTable& kernels) {
  MatmulArgs a{};
  a.x = p.x.row(row);
  a.w = p.w.w;
  a.bias = p.w.bias;
  a.y = p.y.row(row);
  a.ldx = p.x.stride;
  a.ldw = p.w.nIn;
  a.ldy = p.y.stride;
  a.nRows = nRows;
  a.nIn = p.w.nIn;
  a.accumulate = p.accumulate;
  kernels.matmul(a, oBegin, oEnd);
}

void sgemm(const Product& p, int64_t oBegin, int64_t oEnd, const KernelTable& kernels) {
  const int64_t nOut = oEnd - oBegin;
  const bool addsTo = p.accumulate || p.w.bias != nullptr;
  if (p.w.bias != nullptr) {
    const float* bias = p.w.bias + oBegin;
    for (int64_t r = 0; r < p.y.rows; ++r) {
      float* y = p.y.row(r) + oBegin;
      if (p.accumulate) {
        kernels.add(y, bias, nOut);
      } else {
        std::memcpy(y, bias, static_cast<size_t>(nOut) * sizeof(float));
      }
    }
  }
  blas::SgemmArgs a{};
  a.x = p.x.data;
  a.w = p.w.w + oBegin * p.w.nIn;
  a.y = p.y.data + oBegin;
  a.ldx = p.x.stride;
  a.ldw = p.w.nIn;
  a.ldy = p.y.stride;
  a.m = p.x.rows;
  a.n = nOut;
  a.k = p.w.nIn;
  a.beta = addsTo ? 1.0f : 0.0f;
  blas::sgemm(a);
}

}  // namespace

void multiply(std::initializer_list<Product> products, Arithmetic arithmetic, ThreadPool& pool,
              const KernelTable& kernels) {
  int64_t nTasks = 0;
  for (const Product& p : products) {
    assert(p.x.cols == p.w.nIn && p.y.cols == p.w.nOut && p.x.rows == p.y.rows);
    nTasks += cutOf(p, arithmetic).nTasks();
  }
  pool.run(nTasks, [&](int64_t task, int) {
    const Product* p = products.begin();
    Cut cut = cutOf(*p, arithmetic);
    while (task >= cut.nTasks()) {
      task -= cut.nTasks();
      cut = cutOf(*++p, arithmetic);
    }
    const int64_t oBegin = task / cut.nRowBlocks * cut.outputs;
    const int64_t oEnd = std::min(oBegin + cut.outputs, p->w.nOut);
    if (arithmetic == Arithmetic::kSgemm) {
      sgemm(*p, oBegin, oEnd, kernels);
    } else {
      const int64_t row = task % cut.nRowBlocks * cut.rows;
      rowExact(*p, row, std::min(cut.rows, p->x.rows - row), oBegin, oEnd, kernels);
    }
  });
}

}  // namespace tandem
