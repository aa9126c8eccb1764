#include "apps/bench/stopwatch.h"

namespace kintsugi::bench {

Stopwatch::Stopwatch(Device device, Clock clock) : context_{device, nullptr}, clock_(clock) {
  if (device.kind == DeviceKind::cpu) return;
  DeviceRuntime& runtime = runtime_on(device);
  context_.stream = runtime.create_stream();
  begin_ = runtime.create_event();
  end_ = runtime.create_event();
}

Stopwatch::~Stopwatch() {
  if (!context_.stream) return;
  DeviceRuntime& runtime = device_runtime(context_.device.kind);
  runtime.destroy_event(begin_);
  runtime.destroy_event(end_);
  runtime.destroy_stream(context_.stream);
}

void Stopwatch::start() {
  if (!context_.stream) began_ = seconds_now(clock_);
  else runtime_on(context_.device).record_event(begin_, context_.stream);
}

double Stopwatch::stop() {
  if (!context_.stream) return seconds_now(clock_) - began_;
  DeviceRuntime& runtime = runtime_on(context_.device);
  runtime.record_event(end_, context_.stream);
  return runtime.elapsed_ms(begin_, end_) / 1e3;
}

}  // namespace kintsugi::bench
