// A step allocates nothing once a step of its shape has run. A program of its own, because it
// replaces the allocator.
#include <cstdlib>
#include <new>

#include "allocation/counting_allocator.h"
#include "model/model_testing.h"

namespace tandem {
namespace {

TEST(AllocationTest, TheCounterCounts) {
  void* volatile sink = nullptr;  // keeps the compiler from removing what is not used
  const int64_t before = allocations;
  sink = ::operator new(8);
  ::operator delete(sink);
  sink = ::operator new(64, std::align_val_t(64));
  ::operator delete(sink, std::align_val_t(64));
  EXPECT_GE(allocations - before, 2);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
TEST(AllocationTest, TheCounterSeesMalloc) {
  void* volatile sink = nullptr;
  const int64_t before = allocations;
  sink = std::malloc(8);
  std::free(sink);
  EXPECT_GE(allocations - before, 1);
}
#endif

// Two sequences: one runs its prompt, in whole and partial chunks, while the other generates.
TEST(AllocationTest, AStepOfAKnownShapeAllocatesNothing) {
  useTestOpenBlas();
  for (const TestModel& m : allModels(5)) {
    for (const td_mode mode : {TD_MODE_FAST, TD_MODE_REPRODUCIBLE}) {
      SCOPED_TRACE(m.name);
      const EnginePtr engine = openEngine(2);
      td_stage_options o = m.options(0, m.config.n_layers, true);
      o.mode = mode;
      const StagePtr stage = openStage(engine, o, m.tensors);
      const SequencePtr a = openSequence(stage, 90);
      const SequencePtr b = openSequence(stage, 90);
      Random random(6);
      const std::vector<float> in = randomHidden(random, m, 64);
      std::vector<float> out(static_cast<size_t>(64 * m.config.vocab_size));
      const auto run = [&](int32_t promptAt, int32_t generatedAt) {
        const td_rows rows[] = {rowsOf(a, promptAt, 37, TD_ROWS_PROMPT),
                                rowsOf(b, generatedAt, 3, TD_ROWS_GENERATED)};
        return td_step(stage.get(), rows, 2, in.data(), static_cast<int64_t>(in.size()), out.data(),
                       static_cast<int64_t>(out.size()));
      };
      TANDEM_OK(run(0, 0));
      const int64_t before = allocations;
      for (int32_t i = 1; i < 25; ++i) {
        if (run(i, 3 * i) != TD_OK) FAIL() << td_last_error();
      }
      EXPECT_EQ(allocations - before, 0);
    }
  }
}

}  // namespace
}  // namespace tandem
