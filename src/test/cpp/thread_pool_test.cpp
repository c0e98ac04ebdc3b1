#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tandem {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsEveryTaskOnce) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.size(), GetParam());
  for (const int64_t nTasks : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> calls(static_cast<size_t>(nTasks));
    pool.run(nTasks, [&](int64_t i, int thread) {
      ASSERT_GE(thread, 0);
      ASSERT_LT(thread, pool.size());
      ++calls[static_cast<size_t>(i)];
    });
    for (const std::atomic<int>& n : calls) EXPECT_EQ(n.load(), 1) << nTasks << " tasks";
  }
}

// Each run reads what the one before wrote, without atomics: a missing barrier is a data race.
TEST_P(ThreadPoolTest, ManyRunsSeeEachOther) {
  ThreadPool pool(GetParam());
  constexpr int64_t kTasks = 16;
  std::vector<int64_t> values(kTasks, 0);
  std::vector<int64_t> next(kTasks, 0);
  for (int64_t round = 0; round < 3000; ++round) {
    pool.run(kTasks, [&](int64_t i, int) {
      next[static_cast<size_t>(i)] = values[static_cast<size_t>((i + 1) % kTasks)] + 1;
    });
    std::swap(values, next);
  }
  for (const int64_t v : values) EXPECT_EQ(v, 3000);
}

// Runs at irregular distances, so that workers are met spinning, falling asleep and asleep.
TEST_P(ThreadPoolTest, WakesSleepers) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 200; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(round));
    std::atomic<int> done{0};
    pool.run(5, [&](int64_t, int) { ++done; });
    ASSERT_EQ(done.load(), 5);
  }
}

// Two tasks on one thread number at the same time would share scratch memory.
TEST_P(ThreadPoolTest, AThreadNumberIsUsedByOneTaskAtATime) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> scratch(static_cast<size_t>(pool.size()), 0);
  for (int round = 0; round < 200; ++round) {
    pool.run(40, [&](int64_t, int thread) { ++scratch[static_cast<size_t>(thread)]; });
  }
  int64_t total = 0;
  for (const int64_t n : scratch) total += n;
  EXPECT_EQ(total, 200 * 40);
}

TEST_P(ThreadPoolTest, OpensAndClosesWithoutWork) {
  for (int i = 0; i < 20; ++i) ThreadPool pool(GetParam());
}

// Whoever throws, a worker or the caller: run() throws it, once the tasks that had begun are over,
// and the next run is whole.
TEST_P(ThreadPoolTest, ATasksExceptionIsThrownByRun) {
  ThreadPool pool(GetParam());
  constexpr int64_t kTasks = 64;
  for (int64_t bad = 0; bad < kTasks; ++bad) {
    std::atomic<int> running{0};
    std::atomic<int> begun{0};
    try {
      pool.run(kTasks, [&](int64_t i, int) {
        ++running;
        ++begun;
        if (i == bad) {
          --running;
          throw std::runtime_error("task " + std::to_string(i));
        }
        --running;
      });
      FAIL() << "no exception";
    } catch (const std::runtime_error& e) {
      EXPECT_EQ(e.what(), "task " + std::to_string(bad));
    }
    EXPECT_EQ(running.load(), 0);
    EXPECT_GT(begun.load(), 0);
    std::atomic<int> done{0};
    pool.run(kTasks, [&](int64_t, int) { ++done; });
    EXPECT_EQ(done.load(), kTasks);
  }
}

TEST_P(ThreadPoolTest, OfManyExceptionsOneIsThrown) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 200; ++round) {
    EXPECT_THROW(pool.run(50, [](int64_t, int) { throw std::bad_alloc(); }), std::bad_alloc);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolTest, testing::Values(1, 2, 3, 8));

TEST(ThreadPoolThreadsTest, AllThreadsTakePart) {
  ThreadPool pool(3);
  std::mutex mutex;
  std::set<int> threads;
  std::set<std::thread::id> ids;
  pool.run(3, [&](int64_t, int thread) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      threads.insert(thread);
      ids.insert(std::this_thread::get_id());
    }
    for (;;) {  // hold this thread until every thread has a task
      const std::lock_guard<std::mutex> lock(mutex);
      if (threads.size() == 3) return;
    }
  });
  EXPECT_EQ(threads, (std::set<int>{0, 1, 2}));
  EXPECT_EQ(ids.size(), 3U);
}

// Certainly on a worker: the caller waits in its own task until the other has begun.
TEST(ThreadPoolThreadsTest, AWorkersExceptionReachesTheCaller) {
  ThreadPool pool(2);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> ran{0};
  for (int round = 0; round < 100; ++round) {
    std::atomic<bool> thrown{false};
    const auto task = [&](int64_t i, int thread) {
      if (i >= 2) {
        ++ran;
      } else if (thread == 0) {
        while (!thrown) std::this_thread::yield();
      } else {
        thrown = true;
        throw std::logic_error("worker");
      }
    };
    EXPECT_THROW(pool.run(1000, task), std::logic_error);
    EXPECT_EQ(std::this_thread::get_id(), caller);
  }
  // In one round the worker may be paused between its flag and its exception, for all other tasks.
  EXPECT_LT(ran.load(), 100 * 998) << "nothing was skipped";
}

TEST(ThreadPoolThreadsTest, TheCallerIsThreadZero) {
  ThreadPool pool(2);
  const std::thread::id caller = std::this_thread::get_id();
  for (int round = 0; round < 100; ++round) {
    pool.run(20, [&](int64_t, int thread) {
      EXPECT_EQ(thread == 0, std::this_thread::get_id() == caller);
    });
  }
}

// Seven idle workers for 300 ms: spinning would burn seconds of processor time, sleeping almost
// none.
TEST(ThreadPoolThreadsTest, IdleThreadsSleep) {
  ThreadPool pool(8);
  pool.run(100, [](int64_t, int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::clock_t before = std::clock();  // of all threads of the process
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 0.1);
}

}  // namespace
}  // namespace tandem
