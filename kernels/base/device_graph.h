// Work on a device recorded once and started as a whole (CUDA graphs): hundreds of small kernels then cost one launch. The emulated device
// records and repeats its launches in the same way, so that what may be recorded is tested without a GPU.
#pragma once
#include <functional>
#include <optional>

#include "kernels/base/device_runtime.h"

namespace kintsugi {

/// One kernel of a recorded piece of work.
struct GraphKernel {
  std::string name;  // mangled; "" where the device does not tell
  unsigned blocks = 0, threads = 0;  // of the grid, of a block
  size_t dynamic_shared = 0;
  bool operator==(const GraphKernel&) const = default;
};

/// What a device has to do for it, beside DeviceRuntime. Calls throw Error naming what the device refuses.
class GraphRuntime {
 public:
  virtual ~GraphRuntime() = default;
  /// Until end_capture, kernels, copies, fills and uploads that this thread queues on `stream`, which is not the default one, are
  /// recorded and not done. Anything that would wait for the stream throws Error then.
  virtual void begin_capture(Stream stream) = 0;
  /// The recording, ready to be started; null when the work could not be recorded, after `why` was written.
  virtual void* end_capture(Stream stream, std::string& why) = 0;
  virtual void launch_graph(void* graph, Stream stream) = 0;
  virtual void destroy_graph(void* graph) noexcept = 0;
  virtual std::vector<GraphKernel> graph_kernels(void* graph) const = 0;
};
/// Throws Error for a kind that has none: the CPU, and cuda in a build without it.
GraphRuntime& graph_runtime(DeviceKind kind);

class GraphMemory;

/// Is this thread recording? Then nothing is computed yet, and memory that is taken is the recording's: results must not be kept for other work.
bool recording_device_work();
/// Work on the CPU that goes with what is being queued, like a counter that is raised: done now, or, while this thread records, at every launch.
void beside_device_work(std::function<void()> work);

class DeviceGraph {
 public:
  /// Records what `work` queues on current_stream(device), which is a stream of its own while it runs; nothing is computed. Memory taken
  /// meanwhile is the graph's: it keeps its address, and results lie in it until the next launch. Memory that existed before must outlive
  /// the graph, and inputs are read where they lay. It may be launched on any stream when the constructor returns. Throws Error when `work` throws, waits for the device or reads its memory.
  DeviceGraph(Device device, const std::function<void()>& work);
  /// Waits for its last launch, for its memory goes. Who reads results elsewhere than on that stream waits for it before letting go of them.
  ~DeviceGraph();
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;

  /// Queues everything on `stream`; then does what was left beside it (beside_device_work).
  void launch(Stream stream) const;
  void launch() const { launch(current_stream(device_)); }
  std::vector<GraphKernel> kernels() const;
  /// Held for the work's intermediate and final results.
  size_t memory_bytes() const;

 private:
  Device device_;
  std::shared_ptr<GraphMemory> memory_;
  std::vector<std::function<void()>> beside_;
  void* graph_ = nullptr;
  mutable std::optional<Stream> last_;  // where it was launched
};

}  // namespace kintsugi
