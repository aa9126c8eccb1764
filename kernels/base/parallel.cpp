#include "kernels/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

thread_local bool inside_body = false;

// One parallel_for in flight. Workers hold it by shared_ptr, so a late waker finds a finished job, not freed memory.
struct Job {
  const std::function<void(int64_t, int64_t)>* body;
  int64_t n, grain, chunks;
  std::atomic<int64_t> next{0}, done{0};
  std::mutex mutex;
  std::condition_variable finished;
  std::exception_ptr error;

  void work() {
    inside_body = true;
    for (int64_t c; (c = next.fetch_add(1)) < chunks;) {
      try {
        (*body)(c * grain, std::min(n, (c + 1) * grain));
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
      }
      if (done.fetch_add(1) + 1 == chunks) {
        std::lock_guard lock(mutex);
        finished.notify_all();
      }
    }
    inside_body = false;
  }
};

// Looks for some tens of microseconds whether `ready` holds: jobs of a training step follow one another that closely, and to sleep and be
// woken costs as much. Other threads that want this core get it meanwhile.
template <class Ready>
bool soon(const Ready& ready) {
  for (int i = 0; i < 100; ++i) {
    if (ready()) return true;
    std::this_thread::yield();
  }
  return false;
}

class Pool {
 public:
  ~Pool() { resize(1); }

  int size() {
    std::lock_guard lock(mutex_);
    return wanted_;
  }

  void resize(int n) {
    std::vector<std::thread> leaving;
    {
      std::lock_guard lock(mutex_);
      wanted_ = n;
      if (int(workers_.size()) <= n - 1) return;
      stop_ = true;
      leaving.swap(workers_);
    }
    wake_.notify_all();
    for (auto& t : leaving) t.join();
    std::lock_guard lock(mutex_);
    stop_ = false;
  }

  void run(const std::shared_ptr<Job>& job) {
    {
      std::lock_guard lock(mutex_);
      while (int(workers_.size()) < wanted_ - 1) workers_.emplace_back([this] { loop(); });
      job_ = job;
      ++generation_;
    }
    wake_.notify_all();
    job->work();
    const auto all_done = [&] { return job->done.load() == job->chunks; };
    if (soon(all_done)) return;
    std::unique_lock lock(job->mutex);
    job->finished.wait(lock, all_done);
  }

 private:
  void loop() {
    uint64_t seen = 0;
    for (;;) {
      std::shared_ptr<Job> job;
      soon([&] { return generation_.load(std::memory_order_relaxed) != seen; });
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
        job = job_;
      }
      job->work();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
  std::shared_ptr<Job> job_;
  std::atomic<uint64_t> generation_{0};
  int wanted_ = std::max(1u, std::thread::hardware_concurrency());
  bool stop_ = false;
};

Pool& pool() {
  static Pool p;
  return p;
}

}  // namespace

int threads() { return pool().size(); }

void set_threads(int n) {
  KIN_CHECK(n >= 1 && n <= 1024, "threads: must be between 1 and 1024, got ", n);
  pool().resize(n);
}

void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (n <= 0) return;
  grain = std::max<int64_t>(1, grain);
  const int64_t chunks = (n + grain - 1) / grain;
  if (chunks == 1 || inside_body || threads() == 1) {  // same chunks, one after the other
    for (int64_t c = 0; c < chunks; ++c) body(c * grain, std::min(n, (c + 1) * grain));
    return;
  }
  auto job = std::make_shared<Job>();
  job->body = &body;
  job->n = n;
  job->grain = grain;
  job->chunks = chunks;
  pool().run(job);
  if (job->error) std::rethrow_exception(job->error);
}

}  // namespace kintsugi
