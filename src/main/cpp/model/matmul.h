// Matrix products of activations with weights, on the pool.
#ifndef TANDEM_MODEL_MATMUL_H_
#define TANDEM_MODEL_MATMUL_H_

#include <cstdint>
#include <initializer_list>

#include "core/thread_pool.h"
#include "core/views.h"
#include "kernels/kernels.h"
#include "model/weights.h"

namespace tandem {

enum class Arithmetic {
  kRowExact,  // our kernels: a row's bits depend on nothing but the row
  kSgemm      // OpenBLAS: they depend on the number of rows too, but not on the threads
};

// y = x * w^T + bias, or y += ... when accumulate.
struct Product {
  View2<float> y;        // (nRows, w.nOut)
  View2<const float> x;  // (nRows, w.nIn)
  const Linear& w;
  bool accumulate = false;
};

// Computes the products together, so that they share one start and one end of the pool's work. They
// have the same number of rows. kSgemm needs blas::load().
void multiply(std::initializer_list<Product> products, Arithmetic arithmetic, ThreadPool& pool,
              const KernelTable& kernels);

}  // namespace tandem

#endif  // TANDEM_MODEL_MATMUL_H_
