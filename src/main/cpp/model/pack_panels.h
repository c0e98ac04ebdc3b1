// Packs GGUF's quantised tensors, which are stored row by row, into panels.
#ifndef TANDEM_MODEL_PACK_PANELS_H_
#define TANDEM_MODEL_PACK_PANELS_H_

#include "core/thread_pool.h"
#include "kernels/panels.h"
#include "model/tensor.h"

namespace tandem {

// dst: (ceil(rows / 16), cols / elements) panel blocks of a tensor of type q8_0, q4_0, q4_K and
// q6_K, respectively, with as many elements in each as a file's block has.
void packPanels(Q8Panel* dst, const Tensor& tensor, ThreadPool& pool);
void packPanels(Q4Panel* dst, const Tensor& tensor, ThreadPool& pool);
void packPanels(Q4KPanel* dst, const Tensor& tensor, ThreadPool& pool);
void packPanels(Q6KPanel* dst, const Tensor& tensor, ThreadPool& pool);

}  // namespace tandem

#endif  // TANDEM_MODEL_PACK_PANELS_H_
