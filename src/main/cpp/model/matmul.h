// Matrix products of activations with weights, on the pool.
#ifndef TANDEM_MODEL_MATMUL_H_
#define TANDEM_MODEL_MATMUL_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "core/thread_pool.h"
#include "core/views.h"
#include "core/work_split.h"
#include "kernels/kernels.h"
#include "model/converted_rows.h"
#include "model/weights.h"

namespace tandem {

// Consecutive rows of a pass.
struct RowRange {
  int64_t begin, count;
};

// The kernels for the rows of a pass; every row is in exactly one range.
struct RowRanges {
  // Row-exact kernels: a row's bits depend only on the row.
  std::vector<RowRange> exact;
  // Chunks of prompts in mode fast. f32 weights use OpenBLAS, with one call for each chunk and
  // strip of outputs: a row's bits also depend on its chunk's number of rows, but on no other chunk
  // and not on the threads. This needs blas::load(). bf16 weights use the processor's bf16
  // products, if it has them. All others use the row-exact kernels.
  std::vector<RowRange> chunks;
};

// An activation function, by its table or, if that is null, by its formula.
struct Activation {
  ActivationKind kind;
  const uint16_t* table;
};

// Made by the functions below.
struct Product {
  View2<float> y;        // (nRows, w.nOut)
  View2<const float> x;  // (nRows, w.nIn)
  const Linear* w;
  bool accumulate;
  const Activation* activation;  // or null
};

// y = x * w^T + bias; then y = activation(y), if there is one.
inline Product product(View2<float> y, View2<const float> x, const Linear& w,
                       const Activation* activation = nullptr) {
  return {y, x, &w, /*accumulate=*/false, activation};
}
// y += x * w^T + bias
inline Product addedProduct(View2<float> y, View2<const float> x, const Linear& w) {
  return {y, x, &w, /*accumulate=*/true, nullptr};
}

// How the rows of a product's chunks are computed.
enum class ChunkKernel { kSgemm, kBf16Dots, kRowExact };

// Tasks of our own kernels: the outputs of some products, cut as if the products were one, for some
// rows.
struct ProductJob {
  ChunkKernel products;  // those whose chunks are computed so
  RowRange rows;
  bool bf16Dots;  // else row-exact
  WorkSplit outputs;
  int64_t firstTask;
};

// Memory that multiply() uses and that is kept from call to call.
struct ProductScratch {
  // multiply() then allocates nothing for that many rows and inputs.
  void reserveJobs(int64_t nRows) { jobs.reserve(static_cast<size_t>(2 * nRows + 1)); }

  ConvertedRows converted;
  std::vector<ProductJob> jobs;
};

// Computes products with the same x together. They share one start and one end of the pool's work,
// and the ranges of rows share the reading of the weights.
void multiply(std::initializer_list<Product> list, const RowRanges& ranges, ProductScratch& scratch,
              ThreadPool& pool, const KernelTable& kernels);

}  // namespace tandem

#endif  // TANDEM_MODEL_MATMUL_H_
