// The format of quantised blocks read element by element and bit by bit, in double: slow, and
// written from docs of the format alone, so that the core's decoder has something to be held
// against.
#ifndef TANDEM_TEST_MODEL_BLOCKS_REFERENCE_H_
#define TANDEM_TEST_MODEL_BLOCKS_REFERENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernel_testing.h"
#include "model/tensor.h"

namespace tandem {

struct BlockType {
  DType dtype;
  const char* name;
  int64_t elements, bytes;
  std::vector<int64_t> factors;  // offsets of the f16 factors
  double largest;                // magnitude of a value, where all factors are 1
};

// All quantised types.
const std::vector<BlockType>& blockTypes();

// The IEEE half there.
double halfAt(const unsigned char* bytes);

// Element i of a block. With finite factors it is exact, but for one rounding by the caller.
double blockElement(const BlockType& type, const unsigned char* block, int64_t i);

// Elements of whole blocks, rounded to f32.
std::vector<float> referenceValues(const BlockType& type, const std::vector<unsigned char>& blocks);

// Bytes of any pattern, in which the factors are finite: of any size if scale is 0, otherwise such
// that values are about as large as scale.
std::vector<unsigned char> randomBlocks(const BlockType& type, Random& random, int64_t nBlocks,
                                        double scale);

}  // namespace tandem

#endif  // TANDEM_TEST_MODEL_BLOCKS_REFERENCE_H_
