// The device runtimes: refusals, counted memory, copies and streams of the emulated device.
#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/base/device_runtime.h"
#include "kernels/base/error.h"

using namespace kintsugi;

namespace {
const Device kSim{DeviceKind::sim, 0};
CudaFacts machine() {
  CudaFacts f;
  f.built = true;
  f.driver = f.toolkit = 13000;
  f.devices = 1;
  f.architectures = "80 89 90a";
  f.major = 9;
  f.device_name = "NVIDIA H200";
  return f;
}
bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("device: every reason why a GPU cannot be used has its own sentence") {
  CHECK(cuda_refusal(machine(), 0).empty());
  CHECK(says(cuda_refusal({}, 0), "this build has no CUDA"));

  CudaFacts f = machine();
  f.driver = 12040;
  f.devices = 0;
  f.driver_too_old = true;
  CHECK(cuda_refusal(f, 0) == "driver older than toolkit: the driver supports CUDA 12.4, this program was built with toolkit 13.0");

  f = machine();
  f.driver = 0;
  f.devices = 0;
  CHECK(says(cuda_refusal(f, 0), "no device: no NVIDIA driver answers"));

  f = machine();
  f.devices = 0;
  CHECK(says(cuda_refusal(f, 0), "reports no GPU"));
  f.error = "system not yet initialized";
  CHECK(says(cuda_refusal(f, 0), "system not yet initialized"));

  f = machine();
  CHECK(says(cuda_refusal(f, 3), "no device cuda:3: there is 1 GPU"));
  f.major = 7;
  f.minor = 5;
  f.device_name = "Tesla T4";
  CHECK(cuda_refusal(f, 0) == "Tesla T4: GPU sm_75 is older than the binary's sm_80/89/90a");
  f.major = 12;  // newer than all: the driver compiles the PTX
  CHECK(cuda_refusal(f, 0).empty());
}

TEST_CASE("device: a name that is none is an error") {
  CHECK(parse_device("cpu") == Device{});
  CHECK(parse_device("sim") == kSim);
  CHECK(parse_device("cuda:2") == Device{DeviceKind::cuda, 2});
  for (const char* bad : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:99", "sim:1"}) CHECK_THROWS_AS(parse_device(bad), UsageError);
}

TEST_CASE("device: asking for a GPU that is not there is one error, not a crash") {
  DeviceRuntime& cuda = device_runtime(DeviceKind::cuda);
  if (cuda.count() > 0) return;
  CHECK_FALSE(cuda.refuses(0).empty());
  CHECK_THROWS_WITH_AS(runtime_on({DeviceKind::cuda, 0}), cuda.refuses(0).c_str(), Error);
  CHECK_THROWS_AS(DeviceBlock({DeviceKind::cuda, 0}, 16, nullptr), Error);
  CHECK_THROWS_AS(device_runtime(DeviceKind::cpu), Error);
}

TEST_CASE("device: blocks are counted, moved and given back") {
  const MemoryStats before = memory_stats(kSim);
  {
    DeviceBlock a(kSim, 1000, nullptr), b(kSim, 24, nullptr);
    CHECK(memory_stats(kSim).live_bytes == before.live_bytes + 1024);
    CHECK(memory_stats(kSim).reserved_bytes >= memory_stats(kSim).live_bytes);
    b = std::move(a);
    CHECK(memory_stats(kSim).live_bytes == before.live_bytes + 1000);
    CHECK(b.bytes() == 1000);
  }
  CHECK(memory_stats(kSim).live_bytes == before.live_bytes);
  CHECK(memory_stats(kSim).peak_bytes >= before.live_bytes + 1024);
  CHECK(memory_stats(kSim).allocations == before.allocations + 2);
  reset_memory_peak(kSim);
  CHECK(memory_stats(kSim).peak_bytes == before.live_bytes);
}

TEST_CASE("device: running out of memory names the op, the request, what is live and the peak") {
  DeviceBlock held(kSim, 4096, nullptr);
  const OpName op("conv2d");
  std::string message;
  try {
    DeviceBlock(kSim, size_t(1) << 50, nullptr);
  } catch (const Error& e) {
    message = e.what();
  }
  for (const char* part : {"out of memory on sim in conv2d", "1125899906842624 bytes were asked for", "are live", "the peak was"})
    CHECK_MESSAGE(says(message, part), message);
  DeviceBlock after(kSim, 16, nullptr);  // and nothing is broken
  CHECK(after.data() != nullptr);
}

TEST_CASE("device: copies there, within, and back; streams and events") {
  DeviceRuntime& sim = runtime_on(kSim);
  std::vector<int> there(1000), back(1000, -1);
  std::iota(there.begin(), there.end(), 7);
  const size_t bytes = there.size() * sizeof(int);
  DeviceBlock a(kSim, bytes, nullptr), b(kSim, bytes, nullptr);
  const Stream stream = sim.create_stream();
  void *begin = sim.create_event(), *end = sim.create_event();
  sim.record_event(begin, stream);
  sim.upload(a.data(), there.data(), bytes, stream);
  sim.copy(b.data(), a.data(), bytes, stream);
  sim.record_event(end, stream);
  sim.download(back.data(), b.data(), bytes, stream);
  sim.synchronize(stream);
  CHECK(there == back);
  CHECK(sim.elapsed_ms(begin, end) >= 0);
  sim.fill_bytes(b.data(), 0, bytes, stream);
  sim.download(back.data(), b.data(), bytes, stream);
  CHECK(back == std::vector<int>(1000, 0));
  sim.destroy_event(begin);
  sim.destroy_event(end);

  CHECK(current_stream(kSim) == nullptr);
  {
    const StreamGuard guard(kSim, stream);
    CHECK(current_stream(kSim) == stream);
    CHECK(current_stream({DeviceKind::cuda, 0}) == nullptr);
  }
  CHECK(current_stream(kSim) == nullptr);
  sim.destroy_stream(stream);
}
