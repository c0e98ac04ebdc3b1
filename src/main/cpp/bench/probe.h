// Measurements of what the machine can do, to hold the engine's speed against.
#ifndef TANDEM_BENCH_PROBE_H_
#define TANDEM_BENCH_PROBE_H_

#include <cstdint>

#include "model/engine.h"
#include "model/tensor.h"

namespace tandem {

// Seconds that reading that many bytes once takes, with all threads. The caller holds engine.mutex.
double probeRead(Engine& engine, int64_t bytes);

// Seconds of y[m, n] = x[m, k] * w[n, k]^T through OpenBLAS. The caller holds engine.mutex.
double probeSgemm(Engine& engine, int64_t m, int64_t n, int64_t k);

// Rows of activations, outputs and inputs of a product.
struct ProductShape {
  int64_t nRows, nOut, nIn;
};

// How the rows of a product are computed.
enum class RowKernel { kRowExact, kPromptChunk };

// Seconds of a product with weights of that type; a chunk as in mode fast. The caller holds
// engine.mutex.
double probeMatmul(Engine& engine, DType dtype, RowKernel rows, const ProductShape& shape);

// Operations per second of the arithmetic alone of products with weights of that type. The
// caller holds engine.mutex.
double probePeak(Engine& engine, DType dtype);

}  // namespace tandem

#endif  // TANDEM_BENCH_PROBE_H_
