// Batches prepared ahead of the training step by threads of their own.
#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "data/batch.h"

namespace kintsugi {

struct LoaderOptions {
  int batch = 4;
  int threads = 2;  // 0 = prepare each batch inside next()
  int ahead = 4;    // most batches waiting or being prepared
  uint64_t seed = 0;
  bool shuffle = true;
  int64_t first_batch = 0;  // number of the first batch, to go on where a run stopped
  int rank = 0, world = 1;  // the samples are dealt to `world` loaders, a batch to each in turn; this is number `rank`
  /// Which dataset batch n is made of, where that changes in the course of a run (another degradation in each phase); all have the
  /// size of the loader's own. Called from the loader's threads.
  std::function<const Dataset&(int64_t batch)> choose = {};
};

/// An endless stream of batches. Sample p of the stream belongs to epoch p / size and is entry p mod size of that epoch's
/// permutation (drawn from the seed and the epoch), so batches may span two epochs and no sample is ever dropped. The stream
/// depends on dataset, seed and batch size only: not on threads, and batch n is the same after a restart at n.
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

  double epoch_of(int64_t batch) const { return double(batch) * options_.world * options_.batch / double(dataset_->size()); }

 private:
  using Order = std::shared_ptr<const std::vector<int64_t>>;
  struct Prepared {
    Batch batch;
    std::exception_ptr error;
  };

  Order order_of(uint64_t epoch);
  Prepared prepare(int64_t number);
  void work();

  DatasetPtr dataset_;
  LoaderOptions options_;
  int64_t wanted_;   // number of the batch next() gives
  int64_t unclaimed_;  // number of the next batch no thread works on
  bool stopping_ = false;
  std::map<int64_t, Prepared> ready_;
  std::mutex mutex_, order_mutex_;
  std::condition_variable can_start_, is_ready_;
  std::deque<std::pair<uint64_t, Order>> orders_;  // the last few epochs' permutations
  std::vector<std::thread> threads_;
};

}  // namespace kintsugi
