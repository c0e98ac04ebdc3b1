// OpenBLAS, loaded when it is first needed.
#ifndef TANDEM_BLAS_OPENBLAS_H_
#define TANDEM_BLAS_OPENBLAS_H_

#include <cstdint>
#include <string>

namespace tandem::blas {

// Sets the library's path. Error(kInvalid) once a library is loaded from elsewhere.
void setPath(const std::string& path);

// Loads the library if it is not loaded. Error(kUnsupported) if that is impossible; a later call
// tries again.
void load();

// "OpenBLAS <version> <core>". Valid forever after load().
const char* description();

// y[m, n] = x[m, k] * w[n, k]^T + beta * y, on the calling thread alone; needs load(). Several
// threads may call it at once. Every dimension is below 2^31.
struct SgemmArgs {
  const float* x;  // (m, k), rows ldx apart
  const float* w;  // (n, k), rows ldw apart
  float* y;        // (m, n), rows ldy apart
  int64_t ldx, ldw, ldy;
  int64_t m, n, k;
  float beta;
};
void sgemm(const SgemmArgs& args);

}  // namespace tandem::blas

#endif  // TANDEM_BLAS_OPENBLAS_H_
