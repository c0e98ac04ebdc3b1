// A step allocates nothing once a step of its shape has run. A program of its own, because it
// replaces the allocator.
#include <atomic>
#include <cstdlib>
#include <new>

#include "model/model_testing.h"

namespace {

std::atomic<int64_t> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

// What OpenBLAS and the C library take counts too, where the C library lets us see it.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t n, std::size_t bytes);
void* __libc_realloc(void* p, std::size_t bytes);
void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t n, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(n, bytes);
}
void* realloc(void* p, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(p, bytes);
}
}
#endif

namespace tandem {
namespace {

TEST(AllocationTest, TheCounterCounts) {
  const int64_t before = allocations;
  delete new int(1);
  ::operator delete(::operator new(64, std::align_val_t(64)), std::align_val_t(64));
  std::free(std::malloc(10));
  EXPECT_GE(allocations - before, 2);
}

// Two sequences: one runs its prompt, in whole and partial chunks, while the other generates.
struct Batch {
  std::vector<td_rows> rows;
  std::vector<float> in, out;
};

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
