// What all device runtimes share: who is asked, the sentences of refusal, counted blocks, current streams.
#include "kernels/base/device_runtime.h"

#include <array>
#include <atomic>
#include <charconv>
#include <map>
#include <mutex>

#include "kernels/base/error.h"
#include "kernels/base/graph_memory.h"

namespace kintsugi {

#ifdef KIN_CUDA
DeviceRuntime& cuda_runtime();  // device_cuda.cpp
#endif
DeviceRuntime& sim_runtime();  // device_sim.cpp

namespace {

// CUDA in a build without the toolkit: no devices, and one sentence for everything.
class AbsentRuntime : public DeviceRuntime {
 public:
  int count() const override { return 0; }
  std::string refuses(int index) const override { return cuda_refusal({}, index); }
  std::string versions() const override { return refuses(0); }
  DeviceFacts facts(int) const override { none(); }
  void make_current(int) override { none(); }
  void* allocate(size_t, Stream) override { none(); }
  void free(void*, Stream) noexcept override {}
  size_t reserved_bytes(int) const override { return 0; }
  void upload(void*, const void*, size_t, Stream) override { none(); }
  void download(void*, const void*, size_t, Stream) override { none(); }
  void copy(void*, const void*, size_t, Stream) override { none(); }
  void fill_bytes(void*, unsigned char, size_t, Stream) override { none(); }
  Stream create_stream() override { none(); }
  void destroy_stream(Stream) noexcept override {}
  void synchronize(Stream) override { none(); }
  void check_launch(const char*, const char*) override { none(); }
  void* create_event() override { none(); }
  void destroy_event(void*) noexcept override {}
  void record_event(void*, Stream) override { none(); }
  double elapsed_ms(void*, void*) override { none(); }

 private:
  [[noreturn]] void none() const { fail(refuses(0)); }
};

std::string dotted(int version) { return text(version / 1000, '.', version % 1000 / 10); }

// "80 89 90a" -> "sm_80/89/90a", and the oldest of them.
std::string arch_names(const std::string& list, int& oldest) {
  std::string out = "sm_";
  oldest = 0;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(' ', at), list.size());
    const std::string one = list.substr(at, end - at);
    int number = 0;
    std::from_chars(one.data(), one.data() + one.size(), number);
    if (!oldest || number < oldest) oldest = number;
    out += (at ? "/" : "") + one;
    at = end + 1;
  }
  return out;
}

constexpr int kMostDevices = 16;

struct Account {
  std::mutex mutex;
  MemoryStats stats;
};
// Never destroyed: tensors in static storage may outlive any static object.
Account& account(Device d) {
  static auto* all = new std::array<std::array<Account, kMostDevices>, 3>;
  return (*all)[size_t(d.kind)].at(size_t(d.index));
}

thread_local std::map<std::pair<DeviceKind, int>, Stream> streams;
thread_local const char* op_name = "";

}  // namespace

std::string cuda_refusal(const CudaFacts& f, int index) {
  if (!f.built) return "this build has no CUDA: it was configured without nvcc";
  if (f.driver_too_old && f.driver > 0)
    return text("driver older than toolkit: the driver supports CUDA ", dotted(f.driver), ", this program was built with toolkit ", dotted(f.toolkit));
  if (f.driver <= 0) return text("no device: no NVIDIA driver answers on this machine (built with toolkit ", dotted(f.toolkit), ")");
  if (!f.error.empty()) return text("no device: CUDA ", dotted(f.driver), " driver says: ", f.error);
  if (f.devices <= 0) return text("no device: the driver (CUDA ", dotted(f.driver), ") reports no GPU; is CUDA_VISIBLE_DEVICES set?");
  if (index < 0 || index >= f.devices)
    return text("no device cuda:", index, ": there ", f.devices == 1 ? "is 1 GPU, cuda:0" : text("are ", f.devices, " GPUs, cuda:0 to cuda:", f.devices - 1));
  int oldest = 0;
  const std::string built_for = arch_names(f.architectures, oldest);
  if (f.major * 10 + f.minor < oldest)
    return text(f.device_name, ": GPU sm_", f.major, f.minor, " is older than the binary's ", built_for);
  return {};
}

DeviceRuntime& device_runtime(DeviceKind kind) {
  KIN_CHECK(kind != DeviceKind::cpu, "device_runtime: the CPU has none");
  if (kind == DeviceKind::sim) return sim_runtime();
#ifdef KIN_CUDA
  return cuda_runtime();
#else
  static AbsentRuntime absent;
  return absent;
#endif
}

DeviceRuntime& runtime_on(Device device) {
  DeviceRuntime& r = device_runtime(device.kind);
  r.make_current(device.index);
  return r;
}

Device parse_device(const std::string& name) {
  if (name == "cpu") return {};
  if (name == "sim") return {DeviceKind::sim, 0};
  if (name == "cuda") return {DeviceKind::cuda, 0};
  if (name.starts_with("cuda:")) {
    int index = -1;
    const char *begin = name.data() + 5, *end = name.data() + name.size();
    const auto parsed = std::from_chars(begin, end, index);
    if (parsed.ec == std::errc{} && parsed.ptr == end && index >= 0 && index < kMostDevices) return {DeviceKind::cuda, index};
  }
  throw UsageError(text("device: must be cpu, cuda, cuda:N or sim, got '", name, "'"));
}

Stream current_stream(Device device) {
  if (device.kind == DeviceKind::cpu || streams.empty()) return nullptr;
  const auto found = streams.find({device.kind, device.index});
  return found == streams.end() ? nullptr : found->second;
}

StreamGuard::StreamGuard(Device device, Stream stream) : device_(device), outer_(current_stream(device)) {
  streams[{device.kind, device.index}] = stream;
}
StreamGuard::~StreamGuard() {
  if (outer_) streams[{device_.kind, device_.index}] = outer_;
  else streams.erase({device_.kind, device_.index});
}

OpName::OpName(const char* op) : outer_(op_name) { op_name = op; }
OpName::~OpName() { op_name = outer_; }
const char* OpName::current() { return op_name; }

MemoryStats memory_stats(Device device) {
  Account& a = account(device);
  const size_t reserved = device_runtime(device.kind).reserved_bytes(device.index);
  std::lock_guard lock(a.mutex);
  MemoryStats stats = a.stats;
  stats.reserved_bytes = reserved;
  return stats;
}

void reset_memory_peak(Device device) {
  Account& a = account(device);
  std::lock_guard lock(a.mutex);
  a.stats.peak_bytes = a.stats.live_bytes;
}

DeviceBlock::DeviceBlock(Device device, size_t bytes, Stream stream) : device_(device), stream_(stream), bytes_(bytes) {
  DeviceRuntime& runtime = runtime_on(device);
  const auto& recording = GraphMemory::current();
  const bool recorded = recording && recording->device() == device;
  data_ = recorded ? recording->take(bytes ? bytes : 1) : runtime.allocate(bytes ? bytes : 1, stream);
  Account& a = account(device);
  std::lock_guard lock(a.mutex);
  if (!data_) {
    const char* op = OpName::current();
    fail("out of memory on ", device, *op ? " in " : "", op, ": ", bytes, " bytes were asked for, ", a.stats.live_bytes, " are live, the peak was ",
         a.stats.peak_bytes, "; the device has ", runtime.facts(device.index).memory_total);
  }
  a.stats.live_bytes += bytes;
  a.stats.peak_bytes = std::max(a.stats.peak_bytes, a.stats.live_bytes);
  ++a.stats.allocations;
}

DeviceBlock& DeviceBlock::operator=(DeviceBlock&& o) noexcept {
  if (this == &o) return *this;
  reset();
  device_ = o.device_;
  stream_ = o.stream_;
  data_ = o.data_;
  bytes_ = o.bytes_;
  o.data_ = nullptr;
  return *this;
}

void DeviceBlock::reset() noexcept {
  if (!data_) return;
  Account& a = account(device_);
  {
    std::lock_guard lock(a.mutex);
    a.stats.live_bytes -= bytes_;
  }
  const auto& recording = GraphMemory::current();
  if (const auto graph = GraphMemory::of(data_)) graph->give(data_, bytes_ ? bytes_ : 1);
  else if (recording && recording->device() == device_) recording->free_later(data_, stream_);
  else device_runtime(device_.kind).free(data_, stream_);
  data_ = nullptr;
}

}  // namespace kintsugi
