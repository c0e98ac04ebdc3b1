// Requests that run alone, and together in random ragged batches.
#ifndef TANDEM_TEST_MODEL_REQUESTS_H_
#define TANDEM_TEST_MODEL_REQUESTS_H_

#include <cstdint>
#include <functional>
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

// A prompt in one step, then the other rows of `in`, generated one by one: hidden rows or logits of
// all positions.
std::vector<float> runAlone(const StagePtr& stage, const TestModel& m, const std::vector<float>& in,
                            int32_t nPrompt, int64_t outCols);

std::vector<float> runAlone(const StagePtr& stage, const TestModel& m, const Request& r);

// Runs the requests together until all are done. Each step takes some of them in random order; from
// each a prompt up to a random multiple of C = 16 or its end, or a few generated rows, of which
// only some are requested. Expects the bits of `alone`. Returns the number of steps.
int64_t expectRaggedBatchesGiveWhatEachGetsAlone(Random& random, const StagePtr& stage,
                                                 const TestModel& m,
                                                 const std::vector<Request>& requests);

// The same of random requests, up to five at a time: alone on one engine, together, three times in
// batches of their own, on another with any instruction set in mode reproducible and any number of
// threads; until each instruction set has run nBatches, in both modes.
using MakeModel = std::function<TestModel(Random&, uint64_t seed)>;
using PromptRows = std::function<int32_t(Random&)>;
void expectRandomRequestsGiveTheSameTogether(int64_t nBatches, uint64_t seed,
                                             const MakeModel& makeModel,
                                             const PromptRows& promptRows);

}  // namespace tandem

#endif  // TANDEM_TEST_MODEL_REQUESTS_H_
