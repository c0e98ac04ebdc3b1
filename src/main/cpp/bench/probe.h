// Measures the limits of the machine, to compare the engine's speed with.
#ifndef TANDEM_BENCH_PROBE_H_
#define TANDEM_BENCH_PROBE_H_

#include <cstdint>

#include "model/engine.h"
#include "model/tensor.h"

namespace tandem {

// The time in seconds to read that many bytes once with all threads. The caller holds engine.mutex.
double probeRead(Engine& engine, int64_t bytes);

// The time in seconds of y[m, n] = x[m, k] * w[n, k]^T through OpenBLAS. The caller holds
// engine.mutex.
double probeSgemm(Engine& engine, int64_t m, int64_t n, int64_t k);

// Rows of activations, outputs and inputs of a product.
struct ProductShape {
  int64_t nRows, nOut, nIn;
};

// The kernel for the rows of a product.
enum class RowKernel { kRowExact, kPromptChunk };

// The time in seconds of a product with weights of that type; a chunk is computed as in mode fast.
// The caller holds engine.mutex.
double probeMatmul(Engine& engine, DType dtype, RowKernel rows, const ProductShape& shape);

// The operations per second of products with weights of that type, with only their arithmetic. The
// caller holds engine.mutex.
double probePeak(Engine& engine, DType dtype);

}  // namespace tandem

#endif  // TANDEM_BENCH_PROBE_H_
