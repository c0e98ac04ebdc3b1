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

int64_t outputsPerTask(const Product& p, Arithmetic arithmetic, int64_t nThreads) {
  if (arithmetic == Arithmetic::kSgemm) {
    return p.w.nOut < kNarrow ? kNarrowSgemmOutputs : kSgemmOutputs;
  }
  const int64_t byWeights = roundUp(kTaskWeights / p.w.nIn, kOutputStep);
  if (p.x.rows <= kFewRows) return std::max(kOutputStep, byWeights);
  const int64_t byThreads = roundUp(p.w.nOut / (kTasksPerThread * nThreads), kOutputStep);
  return std::clamp(byThreads, kOutputStep, kMaxBlockOutputs);
}

void rowExact(const Product& p, int64_t oBegin, int64_t oEnd, const KernelTable& kernels) {
  MatmulArgs a{};
  a.x = p.x.data;
  a.w = p.w.w;
  a.bias = p.w.bias;
  a.y = p.y.data;
  a.ldx = p.x.stride;
  a.ldw = p.w.nIn;
  a.ldy = p.y.stride;
  a.nRows = p.x.rows;
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
  const auto nTasksOf = [&](const Product& p) {
    return ceilDiv(p.w.nOut, outputsPerTask(p, arithmetic, pool.size()));
  };
  int64_t nTasks = 0;
  for (const Product& p : products) {
    assert(p.x.cols == p.w.nIn && p.y.cols == p.w.nOut && p.x.rows == p.y.rows);
    nTasks += nTasksOf(p);
  }
  pool.run(nTasks, [&](int64_t task, int) {
    const Product* p = products.begin();
    for (; task >= nTasksOf(*p); ++p) task -= nTasksOf(*p);
    const int64_t nOutputs = outputsPerTask(*p, arithmetic, pool.size());
    const int64_t oBegin = task * nOutputs;
    const int64_t oEnd = std::min(oBegin + nOutputs, p->w.nOut);
    if (arithmetic == Arithmetic::kSgemm) {
      sgemm(*p, oBegin, oEnd, kernels);
    } else {
      rowExact(*p, oBegin, oEnd, kernels);
    }
  });
}

}  // namespace tandem
