// Measurements of what the machine can do, to hold the engine's speed against.
#ifndef TANDEM_MODEL_PROBE_H_
#define TANDEM_MODEL_PROBE_H_

#include <cstdint>

#include "model/stage.h"

namespace tandem {

// Seconds that reading that many bytes once takes, with all threads. The caller holds engine.mutex.
double probeRead(Engine& engine, int64_t bytes);

// Seconds of y[m, n] = x[m, k] * w[n, k]^T through OpenBLAS. The caller holds engine.mutex.
double probeSgemm(Engine& engine, int64_t m, int64_t n, int64_t k);

// Rows of activations, outputs and inputs of a product.
struct ProductShape {
  int64_t nRows, nOut, nIn;
};

// Seconds of a product with weights of that td_dtype; as a prompt's chunk in mode fast, else
// row-exact. The caller holds engine.mutex.
double probeMatmul(Engine& engine, int32_t dtype, bool prompt, const ProductShape& shape);

// Operations per second of the arithmetic alone of products with weights of that td_dtype. The
// caller holds engine.mutex.
double probePeak(Engine& engine, int32_t dtype);

}  // namespace tandem

#endif  // TANDEM_MODEL_PROBE_H_
