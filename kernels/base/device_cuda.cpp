// The CUDA runtime, in builds with the toolkit only. cudart is linked statically: the program starts on a machine without GPU or
// driver and says so when one is asked for.
#ifdef KIN_CUDA
#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/base/device_graph.h"
#include "kernels/base/device_runtime.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

cudaStream_t native(Stream s) { return static_cast<cudaStream_t>(s); }

void check(cudaError_t e, const char* what) {
  if (e == cudaSuccess) return;
  cudaGetLastError();  // an error that is not sticky must not be reported again by the next launch
  const char* op = OpName::current();
  fail("cuda: ", what, *op ? " in " : "", op, ": ", cudaGetErrorString(e), " (", cudaGetErrorName(e), ")");
}

// Two page-locked buffers used in turns: the copy of one to the GPU overlaps with filling the other, and the caller's memory is
// free when the last piece has been taken from it.
class Staging {
 public:
  void upload(char* to, const char* from, size_t bytes, cudaStream_t stream) {
    std::lock_guard lock(mutex_);
    prepare();
    for (size_t at = 0; at < bytes; at += kPiece) {
      const size_t n = std::min(kPiece, bytes - at);
      Half& h = halves_[turn_];
      turn_ ^= 1;
      check(cudaEventSynchronize(h.used), "wait for a staging buffer");
      std::memcpy(h.memory, from + at, n);
      check(cudaMemcpyAsync(to + at, h.memory, n, cudaMemcpyHostToDevice, stream), "copy to the device");
      check(cudaEventRecord(h.used, stream), "record an event");
    }
  }

  void download(char* to, const char* from, size_t bytes, cudaStream_t stream) {
    std::lock_guard lock(mutex_);
    prepare();
    struct Landing {
      char* to = nullptr;
      size_t bytes = 0;
    };
    std::array<Landing, 2> landing;
    auto land = [&](int which) {
      if (!landing[which].to) return;
      check(cudaEventSynchronize(halves_[which].used), "copy from the device");
      std::memcpy(landing[which].to, halves_[which].memory, landing[which].bytes);
      landing[which] = {};
    };
    for (size_t at = 0; at < bytes; at += kPiece) {
      const size_t n = std::min(kPiece, bytes - at);
      const int which = turn_;
      turn_ ^= 1;
      land(which);
      check(cudaEventSynchronize(halves_[which].used), "wait for a staging buffer");
      check(cudaMemcpyAsync(halves_[which].memory, from + at, n, cudaMemcpyDeviceToHost, stream), "copy from the device");
      check(cudaEventRecord(halves_[which].used, stream), "record an event");
      landing[which] = {to + at, n};
    }
    land(turn_);
    land(turn_ ^ 1);
  }

 private:
  static constexpr size_t kPiece = size_t(4) << 20;
  struct Half {
    char* memory = nullptr;
    cudaEvent_t used = nullptr;
  };
  void prepare() {
    for (Half& h : halves_) {
      if (!h.memory) check(cudaMallocHost(reinterpret_cast<void**>(&h.memory), kPiece), "allocate page-locked memory");
      if (!h.used) check(cudaEventCreateWithFlags(&h.used, cudaEventDisableTiming), "create an event");
    }
  }
  std::mutex mutex_;
  std::array<Half, 2> halves_;
  int turn_ = 0;
};

// Recorded work, with the host memory that its uploads read at every launch.
struct Graph {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t runnable = nullptr;
  std::vector<void*> host;
  ~Graph() {
    if (runnable) cudaGraphExecDestroy(runnable);
    if (graph) cudaGraphDestroy(graph);
    for (void* p : host) cudaFreeHost(p);
  }
};
thread_local Graph* recording = nullptr;

class CudaRuntime : public DeviceRuntime, public GraphRuntime {
 public:
  CudaRuntime() {
    facts_.built = true;
    facts_.toolkit = CUDART_VERSION;
    facts_.architectures = KIN_CUDA_ARCHITECTURES;
    if (cudaDriverGetVersion(&facts_.driver) != cudaSuccess) facts_.driver = 0;
    if (const cudaError_t e = cudaGetDeviceCount(&facts_.devices); e != cudaSuccess) {
      facts_.devices = 0;
      if (e == cudaErrorInsufficientDriver) facts_.driver_too_old = true;
      else if (e != cudaErrorNoDevice) facts_.error = cudaGetErrorString(e);
      cudaGetLastError();
    }
    facts_.devices = std::min(facts_.devices, kMost);
    for (int i = 0; i < facts_.devices; ++i)
      if (const cudaError_t e = cudaGetDeviceProperties(&properties_[i], i); e != cudaSuccess) facts_.error = cudaGetErrorString(e);
  }

  int count() const override { return facts_.devices; }
  std::string refuses(int index) const override {
    CudaFacts f = facts_;
    if (index >= 0 && index < f.devices) {
      f.major = properties_[index].major;
      f.minor = properties_[index].minor;
      f.device_name = properties_[index].name;
    }
    return cuda_refusal(f, index);
  }
  std::string versions() const override {
    auto dotted = [](int v) { return text(v / 1000, '.', v % 1000 / 10); };
    return text("driver for CUDA ", facts_.driver ? dotted(facts_.driver) : "none", ", toolkit ", dotted(facts_.toolkit), ", built for sm ",
                facts_.architectures);
  }
  DeviceFacts facts(int index) const override {
    usable(index);
    const cudaDeviceProp& p = properties_[index];
    DeviceFacts f;
    f.name = p.name;
    f.major = p.major;
    f.minor = p.minor;
    f.multiprocessors = p.multiProcessorCount;
    f.memory_total = p.totalGlobalMem;
    f.l2_bytes = size_t(p.l2CacheSize);
    f.shared_per_block = p.sharedMemPerBlockOptin;
    int before = 0;
    size_t total = 0;
    check(cudaGetDevice(&before), "ask for the current device");
    check(cudaSetDevice(index), "choose the device");
    const cudaError_t e = cudaMemGetInfo(&f.memory_free, &total);
    check(cudaSetDevice(before), "choose the device");
    check(e, "ask for the free memory");
    return f;
  }

  void make_current(int index) override {
    thread_local int current = -1;
    if (index == current) return;
    usable(index);
    check(cudaSetDevice(index), "choose the device");
    std::call_once(pool_ready_[index], [&] {
      // Freed blocks stay with the pool: giving them back to the driver at every synchronisation costs more than the kernels between.
      uint64_t keep = UINT64_MAX;
      check(cudaMemPoolSetAttribute(pool(index), cudaMemPoolAttrReleaseThreshold, &keep), "set up the memory pool");
    });
    current = index;
  }

  void* allocate(size_t bytes, Stream stream) override {
    void* p = nullptr;
    cudaError_t e = cudaMallocAsync(&p, bytes, native(stream));
    if (e == cudaErrorMemoryAllocation) {  // give the pool's holes back, then once more
      cudaGetLastError();
      int index = 0;
      check(cudaGetDevice(&index), "ask for the current device");
      check(cudaStreamSynchronize(native(stream)), "wait for the stream");
      check(cudaMemPoolTrimTo(pool(index), 0), "trim the memory pool");
      e = cudaMallocAsync(&p, bytes, native(stream));
    }
    if (e == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      return nullptr;
    }
    check(e, "allocate");
    return p;
  }
  void free(void* block, Stream stream) noexcept override { cudaFreeAsync(block, native(stream)); }
  size_t reserved_bytes(int index) const override {
    if (!refuses(index).empty()) return 0;
    uint64_t bytes = 0;
    check(cudaMemPoolGetAttribute(pool(index), cudaMemPoolAttrReservedMemCurrent, &bytes), "ask the memory pool");
    return bytes;
  }

  void upload(void* to, const void* from, size_t bytes, Stream stream) override {
    if (recording) return record_upload(to, from, bytes, stream);
    staging_.upload(static_cast<char*>(to), static_cast<const char*>(from), bytes, native(stream));
  }
  void download(void* to, const void* from, size_t bytes, Stream stream) override {
    not_recorded("copy from the device");
    staging_.download(static_cast<char*>(to), static_cast<const char*>(from), bytes, native(stream));
  }
  void copy(void* to, const void* from, size_t bytes, Stream stream) override {
    if (bytes) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, native(stream)), "copy on the device");
  }
  void fill_bytes(void* to, unsigned char byte, size_t bytes, Stream stream) override {
    if (bytes) check(cudaMemsetAsync(to, byte, bytes, native(stream)), "fill");
  }

  Stream create_stream() override {
    cudaStream_t s = nullptr;
    check(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "create a stream");
    return s;
  }
  void destroy_stream(Stream stream) noexcept override { cudaStreamDestroy(native(stream)); }
  void synchronize(Stream stream) override {
    not_recorded("wait for the stream");
    check(cudaStreamSynchronize(native(stream)), "a kernel queued earlier, or the wait for it");
  }
  void check_launch(const char* family, const char* row) override {
    const cudaError_t e = cudaGetLastError();
    KIN_CHECK(e == cudaSuccess, family, " (row ", row, "): cuda: ", cudaGetErrorString(e), " (", cudaGetErrorName(e),
              "); if the launch itself is right, a kernel queued earlier met it: CUDA_LAUNCH_BLOCKING=1 shows which");
  }

  void* create_event() override {
    cudaEvent_t e = nullptr;
    check(cudaEventCreate(&e), "create an event");
    return e;
  }
  void destroy_event(void* event) noexcept override { cudaEventDestroy(static_cast<cudaEvent_t>(event)); }
  void record_event(void* event, Stream stream) override {
    check(cudaEventRecord(static_cast<cudaEvent_t>(event), native(stream)), "record an event");
  }
  double elapsed_ms(void* begin, void* end) override {
    float ms = 0;
    check(cudaEventSynchronize(static_cast<cudaEvent_t>(end)), "wait for an event");
    check(cudaEventElapsedTime(&ms, static_cast<cudaEvent_t>(begin), static_cast<cudaEvent_t>(end)), "time between events");
    return ms;
  }

  void begin_capture(Stream stream) override {
    KIN_CHECK(stream && !recording, "cuda: a recording needs a stream of its own, and one at a time");
    // Relaxed: memory of the recording is taken from outside the stream meanwhile.
    check(cudaStreamBeginCapture(native(stream), cudaStreamCaptureModeRelaxed), "begin to record");
    recording = new Graph;
  }
  void* end_capture(Stream stream, std::string& why) override {
    std::unique_ptr<Graph> g(std::exchange(recording, nullptr));
    cudaError_t e = cudaStreamEndCapture(native(stream), &g->graph);
    if (e == cudaSuccess) e = cudaGraphInstantiate(&g->runnable, g->graph, 0);
    if (e == cudaSuccess) return g.release();
    cudaGetLastError();
    why = text(cudaGetErrorString(e), " (", cudaGetErrorName(e), ")");
    return nullptr;
  }
  void launch_graph(void* graph, Stream stream) override {
    check(cudaGraphLaunch(static_cast<Graph*>(graph)->runnable, native(stream)), "start recorded work");
  }
  void destroy_graph(void* graph) noexcept override { delete static_cast<Graph*>(graph); }
  std::vector<GraphKernel> graph_kernels(void* graph) const override {
    const cudaGraph_t g = static_cast<Graph*>(graph)->graph;
    size_t count = 0;
    check(cudaGraphGetNodes(g, nullptr, &count), "list recorded work");
    std::vector<cudaGraphNode_t> nodes(count);
    check(cudaGraphGetNodes(g, nodes.data(), &count), "list recorded work");
    std::vector<GraphKernel> kernels;
    for (const cudaGraphNode_t node : nodes) {
      cudaGraphNodeType type;
      check(cudaGraphNodeGetType(node, &type), "list recorded work");
      if (type != cudaGraphNodeTypeKernel) continue;
      cudaKernelNodeParams p{};
      check(cudaGraphKernelNodeGetParams(node, &p), "list recorded work");
      const char* name = "";
#if CUDART_VERSION >= 12030
      if (cudaFuncGetName(&name, p.func) != cudaSuccess) cudaGetLastError(), name = "";
#endif
      kernels.push_back({name, p.gridDim.x * p.gridDim.y * p.gridDim.z, p.blockDim.x * p.blockDim.y * p.blockDim.z, p.sharedMemBytes});
    }
    return kernels;
  }

 private:
  static constexpr int kMost = 16;

  static void not_recorded(const char* what) {
    KIN_CHECK(!recording, "cuda: ", what, *OpName::current() ? " in " : "", OpName::current(), ": cannot be recorded");
  }
  static void record_upload(void* to, const void* from, size_t bytes, Stream stream) {
    if (bytes == 0) return;
    void* held = nullptr;  // the caller's memory may be gone when the work is done
    check(cudaMallocHost(&held, bytes), "allocate page-locked memory");
    recording->host.push_back(held);
    std::memcpy(held, from, bytes);
    check(cudaMemcpyAsync(to, held, bytes, cudaMemcpyHostToDevice, native(stream)), "copy to the device");
  }

  void usable(int index) const {
    if (const std::string why = refuses(index); !why.empty()) fail(why);
  }
  static cudaMemPool_t pool(int index) {
    cudaMemPool_t p = nullptr;
    check(cudaDeviceGetDefaultMemPool(&p, index), "find the memory pool");
    return p;
  }

  CudaFacts facts_;
  std::array<cudaDeviceProp, kMost> properties_;
  std::array<std::once_flag, kMost> pool_ready_;
  Staging staging_;
};

// Never destroyed: tensors in static storage may outlive any static object.
CudaRuntime& the_runtime() {
  static auto* runtime = new CudaRuntime;
  return *runtime;
}

}  // namespace

DeviceRuntime& cuda_runtime() { return the_runtime(); }
GraphRuntime& cuda_graphs() { return the_runtime(); }

}  // namespace kintsugi
#endif
