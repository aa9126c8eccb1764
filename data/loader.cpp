#include "data/loader.h"

#include <numeric>

#include "kernels/base/error.h"

namespace kintsugi {

Loader::Loader(DatasetPtr dataset, const LoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options), wanted_(options.first_batch), unclaimed_(options.first_batch) {
  KIN_CHECK(dataset_, "loader: a dataset is needed, got none");
  KIN_CHECK(dataset_->size() > 0, "loader: dataset must hold at least one sample, got ", dataset_->size());
  KIN_CHECK(options.batch > 0, "loader: batch must be positive, got ", options.batch);
  KIN_CHECK(options.threads >= 0, "loader: threads must not be negative, got ", options.threads);
  KIN_CHECK(options.ahead > 0, "loader: ahead must be positive, got ", options.ahead);
  KIN_CHECK(options.first_batch >= 0, "loader: first_batch must not be negative, got ", options.first_batch);
  KIN_CHECK(options.rank >= 0 && options.rank < options.world, "loader: rank must be below world ", options.world, ", got ", options.rank);
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

Loader::Order Loader::order_of(uint64_t epoch) {
  std::lock_guard lock(order_mutex_);
  for (const auto& [known, order] : orders_)
    if (known == epoch) return order;
  std::vector<int64_t> order(size_t(dataset_->size()));
  std::iota(order.begin(), order.end(), int64_t(0));
  if (options_.shuffle) {
    Philox random(options_.seed, "order", epoch);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(uint32_t(i))]);
  }
  // Batches in preparation reach over few epochs, unless the dataset is smaller than a batch and orders are cheap.
  if (orders_.size() >= 4) orders_.pop_front();
  orders_.emplace_back(epoch, std::make_shared<const std::vector<int64_t>>(std::move(order)));
  return orders_.back().second;
}

Loader::Prepared Loader::prepare(int64_t number) {
  Prepared p;
  try {
    const int64_t size = dataset_->size();
    std::vector<std::pair<uint64_t, int64_t>> samples;
    for (int i = 0; i < options_.batch; ++i) {
      const int64_t position = (number * options_.world + options_.rank) * options_.batch + i;
      const uint64_t epoch = uint64_t(position / size);
      samples.emplace_back(epoch, (*order_of(epoch))[size_t(position % size)]);
    }
    p.batch = make_batch(options_.choose ? options_.choose(number) : *dataset_, samples);
    p.batch.number = number;
  } catch (...) {
    p.error = std::current_exception();
  }
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
  if (p.error) std::rethrow_exception(p.error);
  return std::move(p.batch);
}

}  // namespace kintsugi
