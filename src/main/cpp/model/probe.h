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

}  // namespace tandem

#endif  // TANDEM_MODEL_PROBE_H_
