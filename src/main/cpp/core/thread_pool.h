// The one thread pool of an engine: bounded spinning, then sleeping.
#ifndef TANDEM_CORE_THREAD_POOL_H_
#define TANDEM_CORE_THREAD_POOL_H_

#include <cstdint>
#include <memory>
#include <type_traits>

namespace tandem {

class ThreadPool {
 public:
  // nThreads >= 1, including the caller of run().
  explicit ThreadPool(int nThreads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  // Calls task(i, thread) for every i in [0, nTasks), on all threads, and returns when all are
  // done. thread is in [0, size()). Tasks start dynamically, in order. If a task throws, tasks that
  // have not begun are skipped, and run() throws the first exception when the running tasks have
  // ended. The pool can be used again. Allocates nothing. One run() at a time.
  template <class F>
  void run(int64_t nTasks, F&& task) {
    using Task = std::remove_reference_t<F>;
    runErased(
        nTasks, [](void* t, int64_t i, int thread) { (*static_cast<Task*>(t))(i, thread); },
        const_cast<void*>(static_cast<const void*>(&task)));
  }

 private:
  void runErased(int64_t nTasks, void (*call)(void*, int64_t, int), void* task);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem

#endif  // TANDEM_CORE_THREAD_POOL_H_
