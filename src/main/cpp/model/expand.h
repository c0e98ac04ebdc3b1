// Tensors of any stored form, made f32 and row-major.
#ifndef TANDEM_MODEL_EXPAND_H_
#define TANDEM_MODEL_EXPAND_H_

#include "api/tandem.h"
#include "core/thread_pool.h"
#include "kernels/kernels.h"

namespace tandem {

// Whether the tensor's own memory is already what the kernels read.
bool usableInPlace(const td_tensor& tensor);

// dst: [rows, cols]. The source need not be aligned.
void expand(float* dst, const td_tensor& tensor, ThreadPool& pool, const KernelTable& kernels);

}  // namespace tandem

#endif  // TANDEM_MODEL_EXPAND_H_
