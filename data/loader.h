// Batches prepared ahead of the training step by threads of their own.
#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "data/batch.h"
#include "data/order.h"

namespace kintsugi {

struct LoaderOptions {
  int batch = 4;
  int threads = 2;  // 0 = prepare each batch inside next()
  int ahead = 4;    // most batches waiting or being prepared
  uint64_t seed = 0;
  bool shuffle = true;
  int64_t first_batch = 0;  // number of the first batch, to go on where a run stopped
  Cursor start = {};        // the sample that batch 0 begins with; with another batch size or world a run goes on from its cursor()
  int rank = 0, world = 1;  // the samples are dealt to `world` loaders, a batch to each in turn; this is number `rank`
  /// Which dataset batch n is made of, where that changes in the course of a run (another degradation in each phase); all have the
  /// size of the loader's own. Called from the loader's threads.
  std::function<const Dataset&(int64_t batch)> choose = {};
};

/// What a run would have saved with faster data: compare `waiting` with the time of the steps.
struct LoaderTimes {
  double waiting = 0;    // seconds that next() kept its caller
  double preparing = 0;  // seconds of work, summed over the threads
};

/// An endless stream of batches. Sample p of the stream belongs to epoch p / size and is entry p mod size of that epoch's
/// permutation (data/order.h), so batches may span two epochs, no sample is ever dropped, and within an epoch none comes twice. Batch n of
/// rank r holds the samples from start + (n world + r) batch on: together the ranks see what one rank would, in its order. The stream
/// depends on dataset, seed, start and batch sizes only: not on threads, and batch n is the same after a restart at n. Starting costs
/// the same anywhere.
class Loader {
 public:
  /// Throws Error for an empty dataset or options out of range.
  Loader(DatasetPtr dataset, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch; waits until it is ready. What a dataset threw while preparing it is thrown here, in its turn; the call
  /// after that goes on with the batch behind it.
  Batch next();

  /// The first sample behind those that all ranks have been given once each has called next() as often as this one.
  Cursor cursor() const { return cursor_at(position(wanted_, 0)); }
  /// Of the batches given so far. For the thread that calls next().
  const LoaderTimes& times() const { return times_; }

 private:
  struct Prepared {
    Batch batch;
    std::exception_ptr error;
    double seconds = 0;
  };

  int64_t position(int64_t batch, int rank) const;
  Cursor cursor_at(int64_t position) const;
  Prepared prepare(int64_t number) const;
  Batch make(int64_t number) const;
  void work();

  DatasetPtr dataset_;
  LoaderOptions options_;
  int64_t wanted_;   // number of the batch next() gives
  int64_t unclaimed_;  // number of the next batch no thread works on
  bool stopping_ = false;
  LoaderTimes times_;
  std::map<int64_t, Prepared> ready_;
  std::mutex mutex_;
  std::condition_variable can_start_, is_ready_;
  std::vector<std::thread> threads_;
};

}  // namespace kintsugi
