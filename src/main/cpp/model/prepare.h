// Converts tensors of any stored form to the form that the kernels read.
#ifndef TANDEM_MODEL_PREPARE_H_
#define TANDEM_MODEL_PREPARE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/thread_pool.h"
#include "kernels/kernels.h"
#include "model/tensor.h"

namespace tandem {

// The types that have kernels. The first three are row-major, [nOut, nIn]; the others are in
// panels, see kernels/panels.h: [ceil(nOut / 16), nIn / 32], or nIn / 256 of the last two; the last
// panel padded with zeros.
enum class WeightType { kF32, kF16, kBf16, kQ8, kQ4, kQ4K, kQ6K };
inline constexpr WeightType kAllWeightTypes[] = {
    WeightType::kF32, WeightType::kF16, WeightType::kBf16, WeightType::kQ8,
    WeightType::kQ4,  WeightType::kQ4K, WeightType::kQ6K};
inline constexpr size_t kWeightTypes = std::size(kAllWeightTypes);

// The type in which a matrix of that type is computed; f32 if there is no kernel for it.
WeightType weightTypeOf(DType dtype);

// The stored type of the same values.
DType dtypeOf(WeightType type);

bool inPanels(WeightType type);

// The bytes of one output with nIn inputs, which are whole blocks.
int64_t bytesPerOutput(WeightType type, int64_t nIn);

// Whether the kernels can read the tensor's own memory.
bool usableInPlace(const Tensor& tensor, WeightType as);

// Size of the tensor as that type, which is f32 or weightTypeOf(its dtype).
int64_t preparedBytes(const Tensor& tensor, WeightType as);

// Fills preparedBytes(...) bytes at dst, aligned to 64. The source need not be aligned.
void prepare(void* dst, const Tensor& tensor, WeightType as, ThreadPool& pool,
             const KernelTable& kernels);

}  // namespace tandem

#endif  // TANDEM_MODEL_PREPARE_H_
