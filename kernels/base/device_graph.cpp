#include "kernels/base/device_graph.h"

#include <atomic>
#include <unordered_map>

#include "kernels/base/error.h"
#include "kernels/base/graph_memory.h"

namespace kintsugi {

#ifdef KIN_CUDA
GraphRuntime& cuda_graphs();  // device_cuda.cpp
#endif
GraphRuntime& sim_graphs();  // device_sim.cpp

GraphRuntime& graph_runtime(DeviceKind kind) {
  if (kind == DeviceKind::sim) return sim_graphs();
#ifdef KIN_CUDA
  if (kind == DeviceKind::cuda) return cuda_graphs();
#endif
  fail("device graph: ", kind == DeviceKind::cpu ? "the CPU has none" : device_runtime(kind).refuses(0));
}

namespace {

// Which recording a block belongs to. Blocks in use keep their recording's memory alive. Never destroyed: tensors in static storage may
// outlive any static object.
struct Owners {
  std::mutex mutex;
  std::unordered_map<void*, std::shared_ptr<GraphMemory>> in_use;
  std::atomic<size_t> count{0};  // the common case, none, must cost nothing
};
Owners& owners() {
  static auto* all = new Owners;
  return *all;
}

thread_local std::vector<std::function<void()>>* beside = nullptr;  // of the recording in progress

}  // namespace

GraphMemory::~GraphMemory() {
  for (void* block : blocks_) device_runtime(device_.kind).free(block, nullptr);
}

std::shared_ptr<GraphMemory> GraphMemory::of(void* block) {
  Owners& o = owners();
  if (o.count == 0) return nullptr;
  std::lock_guard lock(o.mutex);
  const auto found = o.in_use.find(block);
  if (found == o.in_use.end()) return nullptr;
  auto memory = std::move(found->second);
  o.in_use.erase(found);
  --o.count;
  return memory;
}

void* GraphMemory::take(size_t bytes) {
  void* block = find(rounded(bytes));
  if (!block) return nullptr;
  Owners& o = owners();
  std::lock_guard lock(o.mutex);
  o.in_use[block] = current();
  ++o.count;
  return block;
}

void* GraphMemory::find(size_t size) {
  std::lock_guard lock(mutex_);
  if (const auto found = free_sizes_.lower_bound({size, nullptr}); found != free_sizes_.end()) {
    const auto [whole, begin] = *found;
    erase(free_.find(begin));
    if (whole > size) insert(begin + size, whole - size);
    return begin;
  }
  void* block = device_runtime(device_.kind).allocate(size, nullptr);
  if (!block) return nullptr;
  blocks_.insert(block);
  bytes_ += size;
  return block;
}

void GraphMemory::give(void* block, size_t bytes) {
  std::lock_guard lock(mutex_);
  if (!recording_) return;
  auto* begin = static_cast<char*>(block);
  size_t size = rounded(bytes);
  if (const auto next = free_.find(begin + size); next != free_.end() && !blocks_.count(next->first)) {
    size += next->second;
    erase(next);
  }
  if (const auto after = free_.lower_bound(begin); after != free_.begin() && !blocks_.count(begin)) {
    const auto before = std::prev(after);
    if (before->first + before->second == begin) {
      begin = before->first;
      size += before->second;
      erase(before);
    }
  }
  insert(begin, size);
}

void GraphMemory::insert(char* begin, size_t size) {
  free_.emplace(begin, size);
  free_sizes_.emplace(size, begin);
}
void GraphMemory::erase(std::map<char*, size_t>::iterator range) {
  free_sizes_.erase({range->second, range->first});
  free_.erase(range);
}

void GraphMemory::free_later(void* block, Stream stream) {
  std::lock_guard lock(mutex_);
  later_.emplace_back(block, stream);
}

void GraphMemory::recorded() {
  std::lock_guard lock(mutex_);
  recording_ = false;
  free_.clear();
  free_sizes_.clear();
  for (const auto& [block, stream] : later_) device_runtime(device_.kind).free(block, stream);
  later_.clear();
}

std::shared_ptr<GraphMemory>& GraphMemory::current() {
  thread_local std::shared_ptr<GraphMemory> memory;
  return memory;
}

bool recording_device_work() { return bool(GraphMemory::current()); }

void beside_device_work(std::function<void()> work) {
  if (beside) beside->push_back(std::move(work));
  else work();
}

DeviceGraph::DeviceGraph(Device device, const std::function<void()>& work) : device_(device), memory_(std::make_shared<GraphMemory>(device)) {
  KIN_CHECK(!GraphMemory::current(), "device graph: one is being recorded already on this thread");
  DeviceRuntime& runtime = runtime_on(device);
  const Stream stream = runtime.create_stream();
  std::exception_ptr error;
  std::string why;
  graph_runtime(device.kind).begin_capture(stream);
  GraphMemory::current() = memory_;
  beside = &beside_;
  try {
    const StreamGuard here(device, stream);
    work();
  } catch (...) {
    error = std::current_exception();
  }
  GraphMemory::current() = nullptr;
  beside = nullptr;
  graph_ = graph_runtime(device.kind).end_capture(stream, why);
  runtime.destroy_stream(stream);
  memory_->recorded();
  if (!error && graph_) try {
      runtime.synchronize(nullptr);  // in whose order the memory was taken, while launches may be on any stream
      return;
    } catch (...) {
      error = std::current_exception();
    }
  if (graph_) graph_runtime(device.kind).destroy_graph(graph_);
  if (error) std::rethrow_exception(error);
  fail("device graph: the work could not be recorded on ", device, ": ", why);
}

DeviceGraph::~DeviceGraph() {
  try {
    if (last_) runtime_on(device_).synchronize(*last_);
  } catch (const Error&) {  // the launch failed; whoever asks for its results is told
  }
  graph_runtime(device_.kind).destroy_graph(graph_);
}

void DeviceGraph::launch(Stream stream) const {
  runtime_on(device_);
  last_ = stream;
  graph_runtime(device_.kind).launch_graph(graph_, stream);
  for (const auto& work : beside_) work();
}
std::vector<GraphKernel> DeviceGraph::kernels() const { return graph_runtime(device_.kind).graph_kernels(graph_); }
size_t DeviceGraph::memory_bytes() const { return memory_->bytes(); }

}  // namespace kintsugi
