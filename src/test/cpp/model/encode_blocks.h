// Weights rounded to the stored types that test models have.
#ifndef TANDEM_TEST_MODEL_ENCODE_BLOCKS_H_
#define TANDEM_TEST_MODEL_ENCODE_BLOCKS_H_

#include <cstdint>
#include <vector>

#include "api/tandem.h"

namespace tandem {

// Appends n elements of whole blocks as f16, bf16, q8_0, q4_0, q4_1, q4_K or q6_K.
void encode(std::vector<unsigned char>& to, td_dtype dtype, const float* x, int64_t n);

}  // namespace tandem

#endif  // TANDEM_TEST_MODEL_ENCODE_BLOCKS_H_
