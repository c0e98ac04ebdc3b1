#include "core/thread_pool.h"

#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/cache_line.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace tandem {
namespace {

// Longer than the gaps between the parallel parts of a step, and short enough not to disturb an
// idle or busy machine.
constexpr std::chrono::microseconds kSpin{50};
constexpr int kPausesPerClockRead = 16;

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ __volatile__("yield");
#endif
}

// Waits; true as soon as ready() is true, false after kSpin.
template <class Ready>
bool spinUntil(Ready ready) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      if (ready()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

}  // namespace

// A worker joins a run by incrementing `inside` and then reading `open`. run() closes the run and
// then waits until no worker is inside. Both sides use sequentially consistent operations, so
// either the worker sees the run closed, or run() sees the worker inside. So a worker that is
// asleep, or loses its core before it is inside, delays no other thread.
struct ThreadPool::State {
  alignas(kCacheLineBytes) std::atomic<int64_t> next{0};  // the next task to start
  int64_t nTasks = 0;
  void (*call)(void*, int64_t, int) = nullptr;
  void* task = nullptr;

  alignas(kCacheLineBytes) std::atomic<uint64_t> runs{0};  // runs started so far
  std::atomic<int> inside{0};                              // workers that may touch this run
  std::atomic<int> sleepers{0};                            // workers asleep, or about to be
  std::atomic<bool> open{false};
  std::atomic<bool> stop{false};
  std::atomic<bool> callerSleeps{false};  // or is about to

  std::mutex mutex;
  std::condition_variable started;
  std::condition_variable finished;
  std::vector<std::thread> workers;
  std::exception_ptr error;  // the first of this run; written under the mutex

  void takeTasks(int thread) noexcept {
    try {
      for (;;) {
        const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= nTasks) return;
        call(task, i, thread);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (error == nullptr) error = std::current_exception();
      next.store(nTasks, std::memory_order_relaxed);  // skips the rest
    }
  }

  void work(int thread) {
    for (uint64_t seen = 0;; seen = awaitRun(seen)) {
      if (stop.load()) return;
      inside.fetch_add(1);
      if (open.load()) takeTasks(thread);
      if (inside.fetch_sub(1) == 1 && callerSleeps.load()) {
        const std::lock_guard<std::mutex> lock(mutex);
        finished.notify_one();
      }
    }
  }

  // Waits until there has been a run after number `seen`, or stop; returns the latest number.
  uint64_t awaitRun(uint64_t seen) {
    const auto ready = [&] { return runs.load() != seen || stop.load(); };
    if (!spinUntil(ready)) {
      std::unique_lock<std::mutex> lock(mutex);
      sleepers.fetch_add(1);
      started.wait(lock, ready);
      sleepers.fetch_sub(1);
    }
    return runs.load();
  }

  void wakeWorkers() {
    if (sleepers.load() == 0) return;
    { const std::lock_guard<std::mutex> lock(mutex); }  // now every sleeper waits
    started.notify_all();
  }

  void awaitWorkers() {
    const auto ready = [&] { return inside.load() == 0; };
    if (spinUntil(ready)) return;
    std::unique_lock<std::mutex> lock(mutex);
    callerSleeps.store(true);
    finished.wait(lock, ready);
    callerSleeps.store(false);
  }

  void shutDown() {
    stop.store(true);
    wakeWorkers();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int nThreads) : state_(std::make_unique<State>()) {
  assert(nThreads >= 1);
  try {
    for (int thread = 1; thread < nThreads; ++thread) {
      state_->workers.emplace_back([state = state_.get(), thread] { state->work(thread); });
    }
  } catch (...) {
    state_->shutDown();
    throw;
  }
}

ThreadPool::~ThreadPool() { state_->shutDown(); }

int ThreadPool::size() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::runErased(int64_t nTasks, void (*call)(void*, int64_t, int), void* task) {
  if (nTasks <= 0) return;
  if (nTasks == 1 || state_->workers.empty()) {
    for (int64_t i = 0; i < nTasks; ++i) call(task, i, 0);
    return;
  }
  State& s = *state_;
  s.call = call;
  s.task = task;
  s.nTasks = nTasks;
  s.next.store(0, std::memory_order_relaxed);
  s.open.store(true);
  s.runs.fetch_add(1);
  s.wakeWorkers();
  s.takeTasks(0);
  s.open.store(false);
  s.awaitWorkers();  // from here on, this thread can read what workers wrote
  if (s.error != nullptr) std::rethrow_exception(std::exchange(s.error, nullptr));
}

}  // namespace tandem
