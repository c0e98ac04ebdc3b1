// The naive transformer in double precision that the core is held against.
#ifndef TANDEM_TEST_MODEL_NAIVE_ORACLE_H_
#define TANDEM_TEST_MODEL_NAIVE_ORACLE_H_

#include <cstdint>
#include <vector>

#include "model/model_testing.h"

namespace tandem {

struct Expected {
  std::vector<double> hidden;  // [nTok, dModel], after the last block
  std::vector<double> logits;  // [nTok, vocabSize]
};

// One sequence from position 0. With `perturb`, every product and every result is multiplied by
// 1 + d, where d is random and as large as the rounding of a dot product's longest chain can make
// it: the distance between two such runs says how far rounding can carry the result.
Expected oracle(const TestModel& model, const std::vector<float>& hidden, Random* perturb,
                bool table);

// For each element a bound on the core's error: 4 times the largest distance seen in its matrix
// over several perturbed runs, which is random where rounding errors are not.
struct Bounds {
  std::vector<double> hidden, logits;
};
Bounds errorBounds(const TestModel& model, const std::vector<float>& hidden,
                   const Expected& expected, uint64_t seed, bool table);

}  // namespace tandem

#endif  // TANDEM_TEST_MODEL_NAIVE_ORACLE_H_
