#include "apps/bench/device_peak.h"

#include "apps/bench/gpu/peak.h"
#include "apps/bench/statistics.h"
#include "apps/bench/stopwatch.h"
#include "kernels/gpu_rows.h"

namespace kintsugi::bench {
namespace {

using Peak = void (*)(const Context&, const PeakRun&);

// The two compilations of one kernel.
Peak of(Device device, [[maybe_unused]] Peak on_cuda, Peak on_sim) { return device.kind == DeviceKind::sim ? on_sim : on_cuda; }
#ifdef KIN_CUDA
#define KIN_PEAK_OF(device, function) of(device, cuda::function, sim::function)
#else
#define KIN_PEAK_OF(device, function) of(device, nullptr, sim::function)
#endif

constexpr int kSamples = 9;

template <class F>
double median_seconds(Stopwatch& watch, F&& work) {
  work();
  std::vector<double> seconds;
  for (int i = 0; i < kSamples; ++i) seconds.push_back(watch.time(work));
  return median(seconds);
}

}  // namespace

Machine measure_device(Device device, DType dtype) {
  DeviceRuntime& runtime = runtime_on(device);
  const DeviceFacts facts = runtime.facts(device.index);
  const bool emulated = device.kind == DeviceKind::sim;
  Machine m;
  m.device = device;
  m.processor = facts.name, m.simd = text("sm_", facts.major, facts.minor), m.cores = facts.multiprocessors, m.cache = facts.l2_bytes;
  Stopwatch watch(device, Clock::wall);
  const StreamGuard here(device, watch.context().stream);

  PeakRun run{emulated ? 1 : facts.multiprocessors * 8, emulated ? 4 : 4096, nullptr};
  const Tensor out({int64_t(run.threads())}, DType::f32, device);
  run.out = out.raw<float>();
  const auto rate = [&](Peak peak, double flops) {
    return flops / median_seconds(watch, [&] {
             const DeviceCall call(device);
             peak(watch.context(), run);
             call.check("bench", "peak");
           });
  };
  double flops = 0;
  if (dtype == DType::bf16) {
    flops = rate(KIN_PEAK_OF(device, peak_mma), run.mma_flops());
    if (!needs_hopper()) flops = std::max(flops, rate(KIN_PEAK_OF(device, peak_wgmma), run.wgmma_flops()));
  } else {
    flops = rate(KIN_PEAK_OF(device, peak_fma), run.fma_flops());
  }

  const size_t bytes = emulated ? size_t(1) << 20 : std::max(4 * facts.l2_bytes, size_t(256) << 20);
  const Tensor from = Tensor::full({int64_t(bytes) / 4}, 1.5, DType::f32, device), to(from.shape(), DType::f32, device);
  const double seconds = median_seconds(watch, [&] { runtime.copy(to.raw(), from.raw(), bytes, watch.context().stream); });
  m.roofs = {{1, flops, 2.0 * double(bytes) / seconds}};
  return m;
}

}  // namespace kintsugi::bench
