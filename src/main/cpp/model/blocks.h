// Quantised blocks as GGUF stores them: elements that share scales.
#ifndef TANDEM_MODEL_BLOCKS_H_
#define TANDEM_MODEL_BLOCKS_H_

#include <cstdint>

#include "model/tensor.h"

namespace tandem {

// Elements and bytes of one block; types that are not quantised have blocks of one element.
struct BlockShape {
  int64_t elements;
  int64_t bytes;
};

BlockShape blockShape(DType dtype);

// Converts nBlocks blocks of a quantised type to f32. src need not be aligned.
void decodeBlocks(float* dst, DType dtype, const unsigned char* src, int64_t nBlocks);

// Scale and minimum, six bits each, of one of a Q4_K's or Q5_K's eight groups of 32 elements.
struct GroupFactors {
  int scale, min;
};

// packed: the 12 bytes behind the two f16 factors.
GroupFactors groupFactors(const unsigned char* packed, int64_t group);

}  // namespace tandem

#endif  // TANDEM_MODEL_BLOCKS_H_
