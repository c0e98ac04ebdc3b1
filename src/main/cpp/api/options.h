// What the C interface is given, checked and in the core's own types.
#ifndef TANDEM_API_OPTIONS_H_
#define TANDEM_API_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "api/tandem.h"
#include "model/config.h"
#include "model/stage_impl.h"
#include "model/tables.h"
#include "model/tensor.h"
#include "reference/reference_transformer.h"

namespace tandem {

// Error(kInvalid or kUnsupported) that names the field, what was expected and what came. The tables
// that the options need are there.
StageSpec checkedSpec(const td_stage_options& options);
TableData tablesOf(const td_stage_options& options);

// None for a number that is no td_dtype.
std::optional<DType> dtypeOf(int32_t dtype);

// Error(kInvalid) for an unknown role or type, and for a flag that is neither 0 nor 1.
std::vector<Tensor> tensorsOf(const td_tensor* tensors, int64_t nTensors);

// From td_reference_switch bits. Error(kInvalid) for unknown bits and for what needs a KV cache.
ReferenceSwitches checkedSwitches(int32_t bits);

// 1 << td_dtype of each type, and td_prompt_kernel bits.
int32_t matrixTypeBits(const Profile& profile);
int32_t promptKernelBits(const Profile& profile);

}  // namespace tandem

#endif  // TANDEM_API_OPTIONS_H_
