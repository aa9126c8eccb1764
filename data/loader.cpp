#include "data/loader.h"

#include <chrono>
#include <optional>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Loader::Loader(DatasetPtr dataset, const LoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options), wanted_(options.first_batch), unclaimed_(options.first_batch) {
  KIN_CHECK(dataset_, "loader: a dataset is needed, got none");
  const int64_t size = dataset_->size();
  KIN_CHECK(size > 0, "loader: dataset must hold at least one sample, got ", size);
  KIN_CHECK(options.batch > 0, "loader: batch must be positive, got ", options.batch);
  KIN_CHECK(options.threads >= 0, "loader: threads must not be negative, got ", options.threads);
  KIN_CHECK(options.ahead > 0, "loader: ahead must be positive, got ", options.ahead);
  KIN_CHECK(options.first_batch >= 0, "loader: first_batch must not be negative, got ", options.first_batch);
  KIN_CHECK(options.world > 0 && options.rank >= 0 && options.rank < options.world, "loader: rank must be in [0,world), got ", options.rank,
            " of ", options.world);
  KIN_CHECK(options.start.index >= 0 && options.start.index < size, "loader: start.index must be in [0,", size, "), got ", options.start.index,
            "; was the run started on other data?");
  KIN_CHECK(options.start.epoch <= uint64_t(INT64_MAX / 2 / size), "loader: start.epoch is beyond any run, got ", options.start.epoch);
  for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  can_start_.notify_all();
  for (std::thread& t : threads_) t.join();
}

int64_t Loader::position(int64_t batch, int rank) const {
  return int64_t(options_.start.epoch) * dataset_->size() + options_.start.index + (batch * options_.world + rank) * options_.batch;
}

Cursor Loader::cursor_at(int64_t position) const { return {uint64_t(position / dataset_->size()), position % dataset_->size()}; }

Batch Loader::make(int64_t number) const {
  std::vector<std::pair<uint64_t, int64_t>> samples;
  std::optional<EpochOrder> order;
  for (int i = 0; i < options_.batch; ++i) {
    const Cursor at = cursor_at(position(number, options_.rank) + i);
    if (options_.shuffle && (!order || at.index == 0)) order.emplace(options_.seed, at.epoch, dataset_->size());
    samples.emplace_back(at.epoch, options_.shuffle ? order->at(at.index) : at.index);
  }
  const Dataset& chosen = options_.choose ? options_.choose(number) : *dataset_;
  KIN_CHECK(chosen.size() == dataset_->size(), "loader: the dataset chosen for batch ", number, " must hold ", dataset_->size(), " samples, got ",
            chosen.size());
  Batch batch = make_batch(chosen, samples);
  batch.number = number;
  return batch;
}

Loader::Prepared Loader::prepare(int64_t number) const {
  Prepared p;
  const double begin = now();
  try {
    p.batch = make(number);
  } catch (...) {
    p.error = std::current_exception();
  }
  p.seconds = now() - begin;
  return p;
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    can_start_.wait(lock, [&] { return stopping_ || unclaimed_ < wanted_ + options_.ahead; });
    if (stopping_) return;
    const int64_t number = unclaimed_++;
    lock.unlock();
    Prepared p = prepare(number);
    lock.lock();
    ready_.emplace(number, std::move(p));
    is_ready_.notify_all();
  }
}

Batch Loader::next() {
  const double begin = now();
  Prepared p;
  if (threads_.empty()) {
    p = prepare(wanted_++);
  } else {
    std::unique_lock lock(mutex_);
    is_ready_.wait(lock, [&] { return ready_.count(wanted_) > 0; });
    p = std::move(ready_.extract(wanted_).mapped());
    ++wanted_;
    can_start_.notify_one();
  }
  times_.waiting += now() - begin;
  times_.preparing += p.seconds;
  if (p.error) std::rethrow_exception(p.error);
  return std::move(p.batch);
}

}  // namespace kintsugi
