#include "kernels/vendor/nccl.h"

#include "kernels/base/error.h"

#ifdef KIN_NCCL
#include <cuda_runtime_api.h>
#include <nccl.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "kernels/vendor/library.h"

namespace kintsugi::vendor {
namespace {

const Library& library() {
  static const Library nccl = [] {
    // Sums inside the switch come in no fixed order; a person who sets the variable has chosen otherwise.
    ::setenv("NCCL_NVLS_ENABLE", "0", 0);
    static const char* const names[] = {"libnccl.so.2", "libnccl.so", nullptr};
    return Library(names);
  }();
  return nccl;
}

void check(ncclResult_t r, const char* what) {
  KIN_CHECK(r == ncclSuccess, "nccl: ", what, ": ", KIN_VENDOR_FUNCTION(library(), ncclGetErrorString)(r), " (",
            KIN_VENDOR_FUNCTION(library(), ncclGetLastError)(nullptr), "); NCCL_DEBUG=INFO says more");
}
void check(cudaError_t e, const char* what) { KIN_CHECK(e == cudaSuccess, "nccl: ", what, ": cuda: ", cudaGetErrorString(e)); }

ncclDataType_t type_of(DType t) {
  KIN_CHECK(t == DType::f32 || t == DType::f64 || t == DType::i64, "nccl: sums are taken in f32, f64 or i64, got ", t);
  return t == DType::f32 ? ncclFloat32 : t == DType::f64 ? ncclFloat64 : ncclInt64;
}

}  // namespace

const char* nccl_refuses() { return library().found() ? nullptr : "libnccl.so.2 was not found"; }

std::string nccl_unique_id() {
  if (const char* why = nccl_refuses()) fail("nccl: ", why);
  ncclUniqueId id;
  check(KIN_VENDOR_FUNCTION(library(), ncclGetUniqueId)(&id), "make an id");
  return {id.internal, sizeof id.internal};
}

struct Nccl::State {
  Device device;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  std::timed_mutex mutex;  // of comm
  std::atomic<bool> aborted{false};

  // The operation starts when what is queued on `compute` is done.
  template <class Operation>
  void queue(Stream compute, const char* what, Operation&& operation) {
    std::lock_guard lock(mutex);
    KIN_CHECK(!aborted, "nccl: ", what, ": given up");
    runtime_on(device);
    cudaEvent_t ready = nullptr;
    check(cudaEventCreateWithFlags(&ready, cudaEventDisableTiming), "create an event");
    check(cudaEventRecord(ready, static_cast<cudaStream_t>(compute)), "record an event");
    check(cudaStreamWaitEvent(stream, ready, 0), "wait for an event");
    check(cudaEventDestroy(ready), "destroy an event");
    check(operation(), what);
  }
};

Nccl::Nccl(Device device, int rank, int size, const std::string& id) : state_(std::make_unique<State>()) {
  if (const char* why = nccl_refuses()) fail("nccl: ", why);
  ncclUniqueId unique;
  KIN_CHECK(id.size() == sizeof unique.internal, "nccl: the id must have ", sizeof unique.internal, " bytes, got ", id.size());
  id.copy(unique.internal, sizeof unique.internal);
  state_->device = device;
  runtime_on(device);  // before the communicator is made: it belongs to the current device
  int least = 0, greatest = 0;
  check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "ask for priorities");
  check(cudaStreamCreateWithPriority(&state_->stream, cudaStreamNonBlocking, greatest), "create a stream");
  check(KIN_VENDOR_FUNCTION(library(), ncclCommInitRank)(&state_->comm, size, unique, rank), "join");
}

Nccl::~Nccl() {
  if (!state_->aborted) {
    cudaStreamSynchronize(state_->stream);
    KIN_VENDOR_FUNCTION(library(), ncclCommDestroy)(state_->comm);
  }
  cudaStreamDestroy(state_->stream);
}

void Nccl::all_reduce(void* x, int64_t n, DType dtype, Stream compute) {
  state_->queue(compute, "all_reduce", [&] {
    return KIN_VENDOR_FUNCTION(library(), ncclAllReduce)(x, x, size_t(n), type_of(dtype), ncclSum, state_->comm, state_->stream);
  });
}

void Nccl::broadcast(void* x, size_t bytes, int root, Stream compute) {
  state_->queue(compute, "broadcast",
                [&] { return KIN_VENDOR_FUNCTION(library(), ncclBroadcast)(x, x, bytes, ncclUint8, root, state_->comm, state_->stream); });
}

void Nccl::all_gather(const void* x, void* to, size_t bytes, Stream compute) {
  state_->queue(compute, "all_gather",
                [&] { return KIN_VENDOR_FUNCTION(library(), ncclAllGather)(x, to, bytes, ncclUint8, state_->comm, state_->stream); });
}

Nccl::Mark Nccl::mark() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "create an event");
  Mark made(event, [](void* e) { cudaEventDestroy(static_cast<cudaEvent_t>(e)); });
  check(cudaEventRecord(event, state_->stream), "record an event");
  return made;
}

void Nccl::wait(const Mark& mark, const std::function<void()>& still_well) {
  for (int tries = 0;; ++tries) {
    const cudaError_t e = cudaEventQuery(static_cast<cudaEvent_t>(mark.get()));
    if (e == cudaSuccess) return;
    if (e != cudaErrorNotReady) check(e, "wait");
    still_well();
    if (tries % 64 == 0) {
      std::unique_lock lock(state_->mutex, std::try_to_lock);
      ncclResult_t met = ncclSuccess;
      if (lock && !state_->aborted) check(KIN_VENDOR_FUNCTION(library(), ncclCommGetAsyncError)(state_->comm, &met), "ask for errors");
      check(met, "an operation queued earlier");
    }
    if (tries < 1000) std::this_thread::yield();
    else std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

void Nccl::abort() noexcept {
  // Whoever holds the lock for long is stuck inside NCCL; the program then has to end itself.
  std::unique_lock lock(state_->mutex, std::chrono::seconds(2));
  if (!lock || state_->aborted.exchange(true)) return;
  KIN_VENDOR_FUNCTION(library(), ncclCommAbort)(state_->comm);
}

}  // namespace kintsugi::vendor

#else

namespace kintsugi::vendor {
namespace {
[[noreturn]] void absent() { fail("nccl: ", nccl_refuses()); }
}  // namespace

struct Nccl::State {};
const char* nccl_refuses() { return "this program was built without NCCL: nvcc and nccl.h (libnccl-dev) are needed to build with it"; }
std::string nccl_unique_id() { absent(); }
Nccl::Nccl(Device, int, int, const std::string&) { absent(); }
Nccl::~Nccl() = default;
void Nccl::all_reduce(void*, int64_t, DType, Stream) { absent(); }
void Nccl::broadcast(void*, size_t, int, Stream) { absent(); }
void Nccl::all_gather(const void*, void*, size_t, Stream) { absent(); }
Nccl::Mark Nccl::mark() { absent(); }
void Nccl::wait(const Mark&, const std::function<void()>&) { absent(); }
void Nccl::abort() noexcept {}

}  // namespace kintsugi::vendor
#endif
