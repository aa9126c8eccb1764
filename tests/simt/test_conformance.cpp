// On a machine with a GPU: every instruction wrapped by kernels/simt against its emulated twin. Elsewhere it says that it was skipped.
#include <doctest/doctest.h>

#include "kernels/base/device_runtime.h"
#include "kernels/base/philox.h"
#include "tests/gpu/primitives.h"

#ifdef KIN_CUDA

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

using namespace kintsugi;

namespace {

constexpr size_t kBytes = 64 * 1024;  // of each operand

struct Buffers {
  DeviceBlock a, b, out;
  Context context;
  explicit Buffers(Device device) : a(device, kBytes, nullptr), b(device, kBytes, nullptr), out(device, kBytes, nullptr), context{device} {}
};

// A primitive runs on a, b and writes the first `results` floats (or, for copies, pairs of bf16) of out.
struct Primitive {
  const char* name;
  bool f32;
  size_t results;
  void (*sim)(Buffers&);
  void (*cuda)(Buffers&);
};

#define KIN_BOTH(...) [](Buffers& x) { using namespace kintsugi::sim; __VA_ARGS__; }, [](Buffers& x) { using namespace kintsugi::cuda; __VA_ARGS__; }
TileProduct product(Buffers& x, int m, int n, int k) { return {x.a.data(), x.b.data(), static_cast<float*>(x.out.data()), m, n, k}; }
const float* floats(DeviceBlock& b) { return static_cast<const float*>(b.data()); }

const Primitive primitives[] = {
    {"mma bf16", false, 128, KIN_BOTH(mma_bf16_tile(x.context, product(x, 16, 8, 16)))},
    {"mma tf32", true, 128, KIN_BOTH(mma_tf32_tile(x.context, product(x, 16, 8, 8)))},
    {"ldmatrix", false, 128, KIN_BOTH(ldmatrix_round_trip(x.context, x.a.data(), x.out.data(), false))},
    {"ldmatrix transposed", false, 128, KIN_BOTH(ldmatrix_round_trip(x.context, x.a.data(), x.out.data(), true))},
    {"cp.async", true, 128, KIN_BOTH(cp_async_sum(x.context, floats(x.a), static_cast<float*>(x.out.data()), 7, 5))},
    {"tma", true, 240, KIN_BOTH(tma_shift(x.context, floats(x.a), static_cast<float*>(x.out.data()), 5, 6, 8, -1, 2))},
    {"cluster multicast", true, 128, KIN_BOTH(cluster_multicast(x.context, floats(x.a), static_cast<float*>(x.out.data()), 9))},
    {"wgmma", false, 128 * 64, KIN_BOTH(wgmma_bf16_product(x.context, product(x, 128, 64, 192), false))},
    {"wgmma, B along n", false, 128 * 64, KIN_BOTH(wgmma_bf16_product(x.context, product(x, 128, 64, 192), true))},
    {"wgmma, A in registers", false, 64 * 64, KIN_BOTH(wgmma_registers_product(x.context, product(x, 64, 64, 64)))},
    {"wgmma tf32", true, 64 * 64, KIN_BOTH(wgmma_tf32_product(x.context, product(x, 64, 64, 32)))},
};

std::vector<float> run(const Primitive& p, Device device, void (*call)(Buffers&)) {
  DeviceRuntime& runtime = runtime_on(device);
  Buffers buffers(device);
  Philox random(11, p.name);
  for (DeviceBlock* block : {&buffers.a, &buffers.b}) {
    std::vector<char> host(kBytes);
    for (size_t i = 0; i < kBytes / (p.f32 ? 4 : 2); ++i) {
      const float v = random.normal();
      const bf16 half(v);
      if (p.f32) std::memcpy(&host[4 * i], &v, 4);
      else std::memcpy(&host[2 * i], &half, 2);
    }
    runtime.upload(block->data(), host.data(), kBytes, nullptr);
  }
  call(buffers);
  std::vector<float> out(p.results);
  runtime.download(out.data(), buffers.out.data(), out.size() * sizeof(float), nullptr);
  return out;
}

}  // namespace

TEST_CASE("simt conformance: instructions agree with their twins") {
  if (device_runtime(DeviceKind::cuda).count() == 0) {
    MESSAGE("skipped: no GPU answers");
    return;
  }
  for (const Primitive& p : primitives) {
    INFO(std::string(p.name));
    const std::vector<float> twin = run(p, {DeviceKind::sim}, p.sim), gpu = run(p, {DeviceKind::cuda}, p.cuda);
    const bool copies = p.results == 128 && std::strstr(p.name, "ldmatrix");
    double scale = 1e-30;
    for (float v : twin) scale = std::max(scale, double(std::fabs(v)));
    for (size_t i = 0; i < p.results; ++i) {
      // Tensor cores sum with a few bits less than f64; a wrong place would be wrong by the size of the result.
      if (copies) CHECK(std::memcmp(&twin[i], &gpu[i], 4) == 0);
      else CHECK_MESSAGE(std::fabs(twin[i] - gpu[i]) <= 1e-4 * scale, "element ", i, ": twin ", twin[i], ", GPU ", gpu[i]);
    }
  }
}

#endif
