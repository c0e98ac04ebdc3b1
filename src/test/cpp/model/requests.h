// Requests that run alone, and together in random ragged batches.
#ifndef TANDEM_TEST_MODEL_REQUESTS_H_
#define TANDEM_TEST_MODEL_REQUESTS_H_

#include <cstdint>
#include <vector>

#include "model/model_testing.h"

namespace tandem {

// A prompt, then generated rows, with what the whole model answers when it runs alone.
struct Request {
  int32_t nPrompt, nTotal;
  std::vector<float> in;     // [nTotal, dModel]
  std::vector<float> alone;  // [nTotal, vocabSize]
};

Request makeRequest(Random& random, const TestModel& m, int32_t nPrompt, int32_t nTotal);

// The prompt in one step, then the generated rows one by one.
std::vector<float> runAlone(const StagePtr& stage, const TestModel& m, const Request& r);

// Runs the requests together until all are done: each step takes some of them in random order, of
// each a prompt up to a random multiple of C = 16 or its end, or a few generated rows; of these
// only some are wanted. Expects the bits of `alone`. Returns the number of steps.
int64_t expectRaggedBatchesGiveWhatEachGetsAlone(Random& random, const StagePtr& stage,
                                                 const TestModel& m,
                                                 const std::vector<Request>& requests);

}  // namespace tandem

#endif  // TANDEM_TEST_MODEL_REQUESTS_H_
