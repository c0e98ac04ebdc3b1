// Rows of activations, converted to the types that some kernels read instead of f32.
#ifndef TANDEM_MODEL_CONVERTED_ROWS_H_
#define TANDEM_MODEL_CONVERTED_ROWS_H_

#include <cstdint>

#include "core/buffer.h"
#include "core/thread_pool.h"
#include "core/views.h"
#include "kernels/kernels.h"

namespace tandem {

class ConvertedRows {
 public:
  // Make room for that many rows. The functions below do not allocate; without room they throw
  // Error(kInternal).
  void reserveQuantized(int64_t nRows, int64_t nIn);
  void reserveRounded(int64_t nRows, int64_t nIn);

  // The rows of x as blocks of 32, [x.rows, x.cols / 32]; valid until the next call.
  View2<const ActivationBlock> quantize(View2<const float> x, ThreadPool& pool,
                                        const KernelTable& kernels);
  // The rows of x as bfloat16; valid until the next call.
  View2<const uint16_t> round(View2<const float> x, ThreadPool& pool, const KernelTable& kernels);

 private:
  Buffer<ActivationBlock> quantized_;
  Buffer<uint16_t> rounded_;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_CONVERTED_ROWS_H_
