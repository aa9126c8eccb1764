// The row of threads: ranks of one process, with mailboxes for a network. What tests of everything above use.
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

#include "tensor/comm/host_communicator.h"

namespace kintsugi {
namespace comm {
namespace {

struct Parcel {
  uint64_t operation;
  std::vector<char> content;
};

// What all ranks share.
struct Post {
  Post(int n, double time_out) : size(n), watch(n, time_out, Clock::now()), boxes(size_t(n) * size_t(n)) {
    for (int r = 0; r < n; ++r) {
      healths.push_back(std::make_shared<Health>());
      healths.back()->on_failure([this, r](const std::string& why) { fail_all(r, why); });
    }
  }
  std::deque<Parcel>& box(int from, int to) { return boxes[size_t(from) * size_t(size) + size_t(to)]; }

  void fail_all(int who, const std::string& why) {
    for (int r = 0; r < size; ++r)
      if (r != who) healths[size_t(r)]->fail(why);
    arrived.notify_all();
  }

  const int size;
  std::vector<std::shared_ptr<Health>> healths;
  std::mutex mutex;
  std::condition_variable arrived;
  Watch watch;
  std::vector<std::deque<Parcel>> boxes;
};

class LocalTransport : public Transport {
 public:
  LocalTransport(std::shared_ptr<Post> post, int rank) : post_(std::move(post)), rank_(rank) {}
  ~LocalTransport() override {
    std::lock_guard lock(post_->mutex);
    post_->watch.left(rank_);
  }
  int rank() const override { return rank_; }
  int size() const override { return post_->size; }

  void exchange(uint64_t operation, const std::vector<Outgoing>& out, const std::vector<Incoming>& in) override {
    {
      std::lock_guard lock(post_->mutex);
      for (const Outgoing& o : out) {
        const char* from = static_cast<const char*>(o.data);
        post_->box(rank_, o.to).push_back({operation, {from, from + o.bytes}});
      }
    }
    post_->arrived.notify_all();
    for (const Incoming& i : in) {
      const Parcel parcel = take(i.from);
      if (parcel.operation != operation || parcel.content.size() != i.bytes)
        mismatch(rank_, i.from, operation, i.bytes, parcel.operation, parcel.content.size());
      if (i.bytes) std::memcpy(i.data, parcel.content.data(), i.bytes);
    }
  }

 private:
  Parcel take(int from) {
    Health& health = *post_->healths[size_t(rank_)];
    auto& box = post_->box(from, rank_);
    for (;;) {
      std::string verdict;
      {
        std::unique_lock lock(post_->mutex);
        post_->arrived.wait_for(lock, seconds(0.05), [&] { return !box.empty() || health.failed(); });
        // What has come counts, even when its sender is gone by now.
        if (!box.empty()) {
          Parcel parcel = std::move(box.front());
          box.pop_front();
          return parcel;
        }
        health.check();
        for (int r = 0; r < post_->size; ++r) post_->watch.heard(r, post_->healths[size_t(r)]->beat(), Clock::now());
        verdict = post_->watch.verdict(Clock::now());
      }
      if (!verdict.empty()) health.fail(verdict);
    }
  }

  std::shared_ptr<Post> post_;
  int rank_;
};

}  // namespace
}  // namespace comm

std::vector<std::shared_ptr<Communicator>> local_communicators(int size, double time_out) {
  KIN_CHECK(size >= 1, "local_communicators: at least one is needed, got ", size);
  KIN_CHECK(time_out > 0, "local_communicators: the time-out must be positive, got ", time_out);
  const auto post = std::make_shared<comm::Post>(size, time_out);
  std::vector<std::shared_ptr<Communicator>> ends;
  for (int r = 0; r < size; ++r)
    ends.push_back(std::make_shared<comm::HostCommunicator>(comm::HostCommunicator::Parts{
        std::make_unique<comm::Worker>(), std::make_unique<comm::LocalTransport>(post, r), post->healths[size_t(r)], nullptr, "threads"}));
  return ends;
}

}  // namespace kintsugi
