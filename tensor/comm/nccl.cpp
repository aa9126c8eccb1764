#include "tensor/comm/nccl.h"

#include "kernels/vendor/nccl.h"

namespace kintsugi::comm {
namespace {

// All ranks learn what any of them lacks, so that nobody waits for one that has given up.
std::string what_is_missing(Communicator& host, Device device) {
  const char* no = vendor::nccl_refuses();
  const std::string mine = no ? no : device_runtime(DeviceKind::cuda).refuses(device.index);
  const auto all = host.all_gather(mine);
  for (size_t r = 0; r < all.size(); ++r)
    if (!all[r].empty()) return text("rank ", r, ": ", all[r]);
  return {};
}

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::shared_ptr<HostCommunicator> host, Device device)
      : Communicator(host->rank(), host->size(), "NCCL and " + host->row()), host_(std::move(host)), device_(device) {
    const std::string missing = what_is_missing(*host_, device);
    if (!missing.empty()) fail("NCCL cannot be used: ", missing);
    const auto ids = host_->all_gather(rank() == 0 ? vendor::nccl_unique_id() : std::string());
    nccl_ = std::make_shared<vendor::Nccl>(device, rank(), size(), ids[0]);
    // Operations that wait for a lost rank would keep the GPU, and whoever asks it for a number, for ever.
    host_->on_failure([nccl = std::weak_ptr<vendor::Nccl>(nccl_)](const std::string&) {
      if (const auto n = nccl.lock()) n->abort();
    });
  }

  Pending start_all_reduce(const Tensor& x) override {
    if (x.device() != device_) return host_->start_all_reduce(x);
    enter();
    nccl_->all_reduce(x.raw(), x.numel(), x.dtype(), current_stream(device_));
    x.bump_version();
    return pending(x);
  }
  void broadcast(const Tensor& x, int root) override {
    if (x.device() != device_) return host_->broadcast(x, root);
    enter();
    nccl_->broadcast(x.raw(), x.bytes(), root, current_stream(device_));
    x.bump_version();
    pending(x).wait();
  }
  Tensor all_gather(const Tensor& x) override {
    if (x.device() != device_) return host_->all_gather(x);
    enter();
    std::vector<int64_t> dims{size()};
    dims.insert(dims.end(), x.shape().begin(), x.shape().end());
    const Tensor all(Shape(dims), x.dtype(), device_);
    nccl_->all_gather(x.raw(), all.raw(), x.bytes(), current_stream(device_));
    pending(x).wait();
    return all;
  }
  void barrier() override { host_->barrier(); }
  void pulse() override { host_->pulse(); }
  void abandon(const std::string& why) noexcept override { host_->abandon(why); }
  void on_failure(std::function<void(const std::string&)> tell) override { host_->on_failure(std::move(tell)); }
  using Communicator::all_gather;

 private:
  void enter() {
    host_->health().check();
    host_->health().enter();
  }
  // The tensor stays alive until its operation is through.
  Pending pending(const Tensor& x) {
    return Pending([x, mark = nccl_->mark(), nccl = nccl_, host = host_] {
      const Health::Waiting waiting(host->health());
      nccl->wait(mark, [&] { host->health().check(); });
    });
  }

  std::shared_ptr<HostCommunicator> host_;
  std::shared_ptr<vendor::Nccl> nccl_;
  Device device_;
};

}  // namespace

std::shared_ptr<Communicator> over_nccl(std::shared_ptr<HostCommunicator> host, Device device) {
  KIN_CHECK(device.kind == DeviceKind::cuda, "NCCL carries what lies on a CUDA device, got ", device);
  return std::make_shared<NcclCommunicator>(std::move(host), device);
}

}  // namespace kintsugi::comm
