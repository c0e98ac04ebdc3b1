// A tensor in the form that a stage gets.
#ifndef TANDEM_MODEL_TENSOR_H_
#define TANDEM_MODEL_TENSOR_H_

#include <cstdint>

namespace tandem {

// The stored type of elements. The quantised types are laid out as in GGUF.
enum class DType { kF32, kF16, kBf16, kQ40, kQ41, kQ50, kQ51, kQ80, kQ4K, kQ5K, kQ6K, kIq4Nl };

// The role of a tensor. Matrices are logically [out, in]; vectors are [1, n].
enum class Role {
  kAttnNorm,
  kAttnNormBias,
  kWqkv,  // the rows of q, then of k, then of v; otherwise wq, wk and wv
  kBqkv,
  kWq,
  kWk,
  kWv,
  kBq,
  kBk,
  kBv,
  kWo,
  kBo,
  kFfnNorm,
  kFfnNormBias,
  kWGate,
  kWUp,
  kBUp,
  kWDown,
  kBDown,
  kOutputNorm,
  kOutputNormBias,
  kLmHead
};
inline constexpr int64_t kRoles = static_cast<int64_t>(Role::kLmHead) + 1;
inline constexpr int64_t kHeadLayer = -1;  // the layer of the output norm and the LM head

struct Tensor {
  Role role;
  int64_t layer;  // in the whole model, or kHeadLayer
  DType dtype;
  bool transposed;  // stored [cols, rows]
  int64_t rows, cols;
  const void* data;  // owned by the caller
  int64_t dataBytes;
};

}  // namespace tandem

#endif  // TANDEM_MODEL_TENSOR_H_
