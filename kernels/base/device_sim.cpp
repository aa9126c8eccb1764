// The emulated GPU's memory is host memory. With KINTSUGI_SIM_GUARD=1 the operating system closes it whenever no kernel and no
// copy is running, so that host code which reads a device pointer ends with a fault here as it would on a GPU.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernels/base/device_graph.h"
#include "kernels/base/device_runtime.h"
#include "kernels/base/error.h"
#include "kernels/simt/runtime.h"

namespace kintsugi {
namespace {

// Recorded work: what is to be done, in order.
struct Recording {
  std::vector<std::function<void()>> steps;
  std::vector<GraphKernel> kernels;
  simt::LaunchRecorder launch = [this](simt::Dim grid, simt::Dim block, size_t shared, std::function<void()> run) {
    kernels.push_back({"", grid.x * grid.y * grid.z, block.x * block.y * block.z, shared});
    steps.push_back(std::move(run));
  };
};
thread_local Recording* recording = nullptr;

size_t from_environment(const char* name, size_t otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? size_t(std::strtoull(value, nullptr, 10)) : otherwise;
}

// One reserved range; blocks are cut from its front and reused by rounded size. Open while anyone is inside.
class GuardedArena {
 public:
  void* take(size_t size) {
    auto& bin = free_[size];
    if (!bin.empty()) {
      void* p = bin.back();
      bin.pop_back();
      return p;
    }
    if (!base_) {
      void* p = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      KIN_CHECK(p != MAP_FAILED, "sim: the guarded memory could not be reserved");
      base_ = static_cast<char*>(p);
    }
    if (used_ + size > kReserved) return nullptr;
    void* p = base_ + used_;
    used_ += size;
    if (open_) protect(PROT_READ | PROT_WRITE);
    return p;
  }
  void give(void* p, size_t size) { free_[size].push_back(p); }
  void enter() {
    if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  void leave() {
    if (--open_ == 0) protect(PROT_NONE);
  }

 private:
  static constexpr size_t kReserved = size_t(1) << 36;
  void protect(int access) {
    if (used_) mprotect(base_, used_, access);
  }
  char* base_ = nullptr;
  size_t used_ = 0;
  int open_ = 0;
  std::map<size_t, std::vector<void*>> free_;
};

using Clock = std::chrono::steady_clock;

class SimRuntime : public DeviceRuntime, public GraphRuntime {
 public:
  SimRuntime() : capacity_(from_environment("KINTSUGI_SIM_MEMORY", size_t(16) << 30)), guarded_(from_environment("KINTSUGI_SIM_GUARD", 0) != 0) {}

  int count() const override { return 1; }
  std::string refuses(int index) const override { return index == 0 ? "" : text("there is one emulated device, sim; got sim:", index); }
  std::string versions() const override { return "emulated GPU: the CUDA kernels, run by the CPU"; }
  DeviceFacts facts(int) const override {
    std::lock_guard lock(mutex_);
    DeviceFacts f;
    f.name = "emulated GPU";
    f.major = 9;
    f.multiprocessors = 1;
    f.memory_total = capacity_;
    f.memory_free = capacity_ - live_;
    return f;
  }
  void make_current(int index) override { KIN_CHECK(index == 0, refuses(index)); }

  void* allocate(size_t bytes, Stream) override {
    const size_t size = (bytes + 255) & ~size_t(255);
    std::lock_guard lock(mutex_);
    if (size > capacity_ - live_) return nullptr;
    // aligned_alloc block by block, so that AddressSanitizer sees each block's end.
    void* p = guarded_ ? arena_.take(size) : std::aligned_alloc(256, size);
    if (!p) return nullptr;
    live_ += size;
    sizes_[p] = size;
    return p;
  }
  void free(void* block, Stream) noexcept override {
    std::lock_guard lock(mutex_);
    const auto found = sizes_.find(block);
    if (found == sizes_.end()) return;
    live_ -= found->second;
    if (guarded_) arena_.give(block, found->second);
    else std::free(block);
    sizes_.erase(found);
  }
  size_t reserved_bytes(int) const override {
    std::lock_guard lock(mutex_);
    return live_;
  }

  void upload(void* to, const void* from, size_t bytes, Stream) override {
    if (!recording) return move(to, from, bytes);
    const auto* begin = static_cast<const char*>(from);  // the caller's memory may be gone when the work is done
    recording->steps.push_back([this, to, held = std::vector<char>(begin, begin + bytes)] { move(to, held.data(), held.size()); });
  }
  void download(void* to, const void* from, size_t bytes, Stream) override {
    not_recorded("copy from the device");
    move(to, from, bytes);
  }
  void copy(void* to, const void* from, size_t bytes, Stream) override {
    do_or_record([=, this] { move(to, from, bytes); });
  }
  void fill_bytes(void* to, unsigned char byte, size_t bytes, Stream) override {
    do_or_record([=, this] {
      enter_kernel();
      if (bytes) std::memset(to, byte, bytes);
      leave_kernel();
    });
  }

  // Work is done when the call returns, so there is one queue and nothing to wait for.
  Stream create_stream() override { return new char; }
  void destroy_stream(Stream stream) noexcept override { delete static_cast<char*>(stream); }
  void synchronize(Stream) override { not_recorded("wait for the stream"); }
  void check_launch(const char*, const char*) override {}

  void* create_event() override { return new Clock::time_point; }
  void destroy_event(void* event) noexcept override { delete static_cast<Clock::time_point*>(event); }
  void record_event(void* event, Stream) override { *static_cast<Clock::time_point*>(event) = Clock::now(); }
  double elapsed_ms(void* begin, void* end) override {
    return std::chrono::duration<double, std::milli>(*static_cast<Clock::time_point*>(end) - *static_cast<Clock::time_point*>(begin)).count();
  }

  void begin_capture(Stream stream) override {
    KIN_CHECK(stream && !recording, "sim: a recording needs a stream of its own, and one at a time");
    recording = new Recording;
    simt::set_recorder(&recording->launch);
  }
  void* end_capture(Stream, std::string&) override {
    simt::set_recorder(nullptr);
    return std::exchange(recording, nullptr);
  }
  void launch_graph(void* graph, Stream) override {
    enter_kernel();
    try {
      for (const auto& step : static_cast<Recording*>(graph)->steps) step();
    } catch (...) {
      leave_kernel();
      throw;
    }
    leave_kernel();
  }
  void destroy_graph(void* graph) noexcept override { delete static_cast<Recording*>(graph); }
  std::vector<GraphKernel> graph_kernels(void* graph) const override { return static_cast<const Recording*>(graph)->kernels; }

  void enter_kernel() override {
    if (!guarded_) return;
    std::lock_guard lock(mutex_);
    arena_.enter();
  }
  void leave_kernel() noexcept override {
    if (!guarded_) return;
    std::lock_guard lock(mutex_);
    arena_.leave();
  }

 private:
  template <class F>
  static void do_or_record(F&& work) {
    if (recording) recording->steps.push_back(work);
    else work();
  }
  static void not_recorded(const char* what) {
    KIN_CHECK(!recording, "sim: ", what, *OpName::current() ? " in " : "", OpName::current(), ": cannot be recorded");
  }
  void move(void* to, const void* from, size_t bytes) {
    enter_kernel();
    if (bytes) std::memcpy(to, from, bytes);
    leave_kernel();
  }

  const size_t capacity_;
  const bool guarded_;
  mutable std::mutex mutex_;
  size_t live_ = 0;
  std::unordered_map<void*, size_t> sizes_;
  GuardedArena arena_;
};

// Never destroyed: tensors in static storage may outlive any static object.
SimRuntime& the_runtime() {
  static auto* runtime = new SimRuntime;
  return *runtime;
}

}  // namespace

DeviceRuntime& sim_runtime() { return the_runtime(); }
GraphRuntime& sim_graphs() { return the_runtime(); }

}  // namespace kintsugi
