#include "tensor/comm/host_communicator.h"

#include <algorithm>
#include <exception>

namespace kintsugi::comm {

void mismatch(int rank, int from, uint64_t operation, size_t bytes, uint64_t operation_there, size_t bytes_there) {
  fail("rank ", rank, " expected ", bytes, " bytes of exchange ", operation, " from rank ", from, ", which sent ", bytes_there, " of exchange ",
       operation_there, ": all ranks must call the same operations with the same shapes");
}

Worker::~Worker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  has_work_.notify_all();
  thread_.join();
}

std::shared_future<void> Worker::run(std::function<void()> task) {
  std::packaged_task<void()> packaged(std::move(task));
  std::shared_future<void> done = packaged.get_future().share();
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(packaged));
  }
  has_work_.notify_all();
  return done;
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    has_work_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    std::packaged_task<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

HostCommunicator::HostCommunicator(Parts parts)
    : Communicator(parts.transport->rank(), parts.transport->size(), parts.row), parts_(std::move(parts)), unwinding_(std::uncaught_exceptions()) {}

HostCommunicator::~HostCommunicator() {
  if (std::uncaught_exceptions() > unwinding_) abandon("ended by an error");
  else try {
    barrier();  // so that nobody takes a closed connection for an accident
  } catch (const std::exception&) {
    // Already told by the operation that failed.
  }
  parts_.worker->run([this] { parts_.transport.reset(); }).wait();
  parts_.worker.reset();
  parts_.guardian.reset();
}

void HostCommunicator::abandon(const std::string& why) noexcept {
  try {
    parts_.health->fail(text("rank ", rank(), " failed: ", why));
  } catch (const std::exception&) {
    // Nothing is left to tell it with.
  }
}

Pending HostCommunicator::start(std::function<void()> operation) {
  const auto health = parts_.health;
  health->check();
  health->enter();
  const auto done = parts_.worker->run([health, operation = std::move(operation)] {
    try {
      health->check();
      operation();
    } catch (const std::exception& e) {
      health->fail(e.what());
      throw;
    }
  });
  return Pending([health, done] {
    const Health::Waiting waiting(*health);
    done.get();
  });
}

// Pieces [border(r), border(r + 1)) of x, each right on rank r, become right everywhere.
void HostCommunicator::gather_chunks(char* x, int64_t n, size_t element) {
  std::vector<Outgoing> out;
  std::vector<Incoming> in;
  const auto at = [&](int r) { return x + size_t(border(n, r)) * element; };
  const auto bytes = [&](int r) { return size_t(border(n, r + 1) - border(n, r)) * element; };
  for (int r = 0; r < size(); ++r) {
    if (r == rank()) continue;
    out.push_back({r, at(rank()), bytes(rank())});
    in.push_back({r, at(r), bytes(r)});
  }
  parts_.transport->exchange(exchanges_++, out, in);
}

// Each rank adds up one chunk, in the order of ranks, and passes the sum on: two S (n - 1) / n bytes each way for a tensor of S, the least possible.
template <class T>
void HostCommunicator::reduce(T* x, int64_t n) {
  const int64_t begin = border(n, rank()), count = border(n, rank() + 1) - begin;
  scratch_.resize(size_t(count) * sizeof(T) * size_t(size()));
  const auto part = [&](int r) { return r == rank() ? x + begin : reinterpret_cast<T*>(scratch_.data()) + r * count; };
  std::vector<Outgoing> out;
  std::vector<Incoming> in;
  for (int r = 0; r < size(); ++r) {
    if (r == rank()) continue;
    out.push_back({r, x + border(n, r), size_t(border(n, r + 1) - border(n, r)) * sizeof(T)});
    in.push_back({r, part(r), size_t(count) * sizeof(T)});
  }
  parts_.transport->exchange(exchanges_++, out, in);
  constexpr int64_t kBlock = 1024;
  T sum[kBlock];
  for (int64_t at = 0; at < count; at += kBlock) {
    const int64_t m = std::min(kBlock, count - at);
    std::copy_n(part(0) + at, m, sum);
    for (int r = 1; r < size(); ++r) {
      const T* p = part(r) + at;
      for (int64_t i = 0; i < m; ++i) sum[i] += p[i];
    }
    std::copy_n(sum, m, x + begin + at);
  }
  gather_chunks(reinterpret_cast<char*>(x), n, sizeof(T));
}

Pending HostCommunicator::start_all_reduce(const Tensor& x) {
  KIN_CHECK(x.dtype() == DType::f32 || x.dtype() == DType::f64 || x.dtype() == DType::i64, "all_reduce: x must be f32, f64 or i64, got ", x);
  if (size() == 1) return {};  // the sum already, wherever it lies
  return start([this, x] {
    const Tensor here = x.host();
    if (x.dtype() == DType::i64) reduce(here.data<int64_t>(), here.numel());
    else visit_float(x.dtype(), "all_reduce", [&]<class T>() { reduce(here.data<T>(), here.numel()); });
    if (!here.shares_memory_with(x)) Tensor(x).copy_(here);
    else x.bump_version();
  });
}

void HostCommunicator::broadcast(const Tensor& x, int root) {
  KIN_CHECK(root >= 0 && root < size(), "broadcast: root must be a rank below ", size(), ", got ", root);
  start([this, x, root] {
    const Tensor here = x.host();
    char* bytes = static_cast<char*>(here.raw());
    const auto n = int64_t(here.bytes());
    // Root hands out the chunks, then all exchange them: no rank sends more than twice the tensor.
    std::vector<Outgoing> out;
    std::vector<Incoming> in;
    if (rank() == root) {
      for (int r = 0; r < size(); ++r)
        if (r != root) out.push_back({r, bytes + border(n, r), size_t(border(n, r + 1) - border(n, r))});
    } else {
      in.push_back({root, bytes + border(n, rank()), size_t(border(n, rank() + 1) - border(n, rank()))});
    }
    parts_.transport->exchange(exchanges_++, out, in);
    gather_chunks(bytes, n, 1);
    if (rank() == root) return;
    if (!here.shares_memory_with(x)) Tensor(x).copy_(here);
    else x.bump_version();
  }).wait();
}

Tensor HostCommunicator::all_gather(const Tensor& x) {
  std::vector<int64_t> dims{size()};
  dims.insert(dims.end(), x.shape().begin(), x.shape().end());
  const Tensor all(Shape(dims), x.dtype());
  start([this, x, all] {
    const Tensor here = x.host();
    const size_t bytes = here.bytes();
    char* to = static_cast<char*>(all.raw());
    std::copy_n(static_cast<const char*>(here.raw()), bytes, to + size_t(rank()) * bytes);
    std::vector<Outgoing> out;
    std::vector<Incoming> in;
    for (int r = 0; r < size(); ++r) {
      if (r == rank()) continue;
      out.push_back({r, here.raw(), bytes});
      in.push_back({r, to + size_t(r) * bytes, bytes});
    }
    parts_.transport->exchange(exchanges_++, out, in);
  }).wait();
  return all.to(x.device());
}

void HostCommunicator::barrier() { agree(0); }

}  // namespace kintsugi::comm
