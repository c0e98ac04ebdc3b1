// Converts the arguments of the C interface to the core's own types, and checks them.
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

// Error(kInvalid or kUnsupported) that names the field, the expected value and the value given. The
// result has all tables that the options need.
StageSpec checkedSpec(const td_stage_options& options);
TableData tablesOf(const td_stage_options& options);

// None for a number that is not a td_dtype.
std::optional<DType> dtypeOf(int32_t dtype);

// Error(kInvalid) for an unknown role or type, and for a flag that is neither 0 nor 1.
std::vector<Tensor> tensorsOf(const td_tensor* tensors, int64_t nTensors);

// Converts td_reference_switch bits. Error(kInvalid) for unknown bits, and for switches that need a
// KV cache.
ReferenceSwitches checkedSwitches(int32_t bits);

// 1 << td_dtype of each type, and td_prompt_kernel bits.
int32_t matrixTypeBits(const Profile& profile);
int32_t promptKernelBits(const Profile& profile);

}  // namespace tandem

#endif  // TANDEM_API_OPTIONS_H_
