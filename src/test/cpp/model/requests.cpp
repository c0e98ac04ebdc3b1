#include "model/requests.h"

#include <algorithm>

namespace tandem {
namespace {

constexpr int64_t kC = 16;

}  // namespace

Request makeRequest(Random& random, const TestModel& m, int32_t nPrompt, int32_t nTotal) {
  return {nPrompt, nTotal, randomHidden(random, m, nTotal), {}};
}

std::vector<float> runAlone(const StagePtr& stage, const TestModel& m, const std::vector<float>& in,
                            int32_t nPrompt, int64_t outCols) {
  const int64_t d = m.config.d_model;
  const auto nTotal = static_cast<int32_t>(static_cast<int64_t>(in.size()) / d);
  const SequencePtr sequence = openSequence(stage, m.config.max_seq);
  std::vector<float> out = step(stage, {rowsOf(sequence, 0, nPrompt, TD_ROWS_PROMPT)},
                                slice(in, d, 0, nPrompt), outCols);
  for (int32_t pos = nPrompt; pos < nTotal; ++pos) {
    append(out, step(stage, {rowsOf(sequence, pos, 1, TD_ROWS_GENERATED)}, slice(in, d, pos, 1),
                     outCols));
  }
  return out;
}

std::vector<float> runAlone(const StagePtr& stage, const TestModel& m, const Request& r) {
  return runAlone(stage, m, r.in, r.nPrompt, m.config.vocab_size);
}

int64_t expectRaggedBatchesGiveWhatEachGetsAlone(Random& random, const StagePtr& stage,
                                                 const TestModel& m,
                                                 const std::vector<Request>& requests) {
  const int64_t d = m.config.d_model, v = m.config.vocab_size;
  std::vector<SequencePtr> sequences;
  for (const Request& r : requests) sequences.push_back(openSequence(stage, r.nTotal));
  std::vector<int32_t> done(requests.size(), 0);
  for (int64_t nSteps = 0;; ++nSteps) {
    std::vector<size_t> open;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (done[i] < requests[i].nTotal) open.push_back(i);
    }
    if (open.empty()) return nSteps;
    std::vector<td_rows> batch;
    std::vector<float> in, expected;
    while (!open.empty()) {
      const auto at = random.between(0, static_cast<int64_t>(open.size()) - 1);
      const size_t i = open[static_cast<size_t>(at)];
      open.erase(open.begin() + at);
      if (!batch.empty() && random.between(0, 3) == 0) continue;
      const Request& r = requests[i];
      const bool prompt = done[i] < r.nPrompt;
      const auto end = static_cast<int32_t>(
          prompt ? std::min<int64_t>(r.nPrompt, (done[i] / kC + random.between(1, 3)) * kC)
                 : std::min<int64_t>(r.nTotal, done[i] + random.between(1, 6)));
      td_rows rows =
          rowsOf(sequences[i], done[i], end - done[i], prompt ? TD_ROWS_PROMPT : TD_ROWS_GENERATED);
      rows.out_begin = static_cast<int32_t>(random.between(0, rows.n_rows));
      rows.n_out = static_cast<int32_t>(random.between(0, rows.n_rows - rows.out_begin));
      append(in, slice(r.in, d, done[i], rows.n_rows));
      append(expected, slice(r.alone, v, done[i] + rows.out_begin, rows.n_out));
      batch.push_back(rows);
      done[i] = end;
    }
    const testing::AssertionResult same = sameBits(step(stage, batch, in, v), expected);
    EXPECT_TRUE(same);
    if (!same) return nSteps;
  }
}

namespace {

// One set of requests. Returns the number of batches.
int64_t expectSetGivesTheSameTogether(Random& random, const StagePtr& alone,
                                      const StagePtr& together, const TestModel& m,
                                      const PromptRows& promptRows) {
  const int nBatchings = fewTests() ? 1 : 3;
  const int64_t nRequests = random.between(2, fewTests() ? 3 : 5);
  std::vector<Request> requests;
  for (int64_t i = 0; i < nRequests; ++i) {
    const int32_t nPrompt = promptRows(random);
    const auto nMore = static_cast<int32_t>(random.between(0, 20));
    requests.push_back(makeRequest(random, m, nPrompt, nPrompt + nMore));
    requests.back().alone = runAlone(alone, m, requests.back());
  }
  int64_t nSteps = 0;
  for (int i = 0; i < nBatchings && !testing::Test::HasFailure(); ++i) {
    nSteps += expectRaggedBatchesGiveWhatEachGetsAlone(random, together, m, requests);
  }
  return nSteps;
}

}  // namespace

void expectRandomRequestsGiveTheSameTogether(int64_t nBatches, uint64_t seed,
                                             const MakeModel& makeModel,
                                             const PromptRows& promptRows) {
  for (const char* isa : availableIsas()) {
    for (int64_t done = 0, nSets = 0; done < nBatches || nSets < 2; ++nSets, ++seed) {
      Random random(seed);
      const TestModel m = makeModel(random, seed);
      const bool fast = nSets % 2 == 1;
      const td_mode mode = fast ? TD_MODE_FAST : TD_MODE_REPRODUCIBLE;
      SCOPED_TRACE(m.name + ", " + isa + ", mode " + std::to_string(mode) + ", seed " +
                   std::to_string(seed));
      const EnginePtr engine = openEngine(1, fast ? isa : nullptr);
      const EnginePtr other = openEngine(static_cast<int32_t>(random.between(1, 3)), isa);
      done += expectSetGivesTheSameTogether(random, openWhole(engine, m, mode),
                                            openWhole(other, m, mode), m, promptRows);
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace tandem
