// What the emulated dialect (kernels/simt/dialect.h) is built on: the running block, its barriers, warp collectives and shared memory.
// Everything here is called from a fiber of a running block unless it says otherwise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>

namespace kintsugi::simt {

using Site = std::source_location;

inline constexpr int kWarp = 32;
inline constexpr size_t kMostShared = 227 * 1024;       // bytes of shared memory of one block, dynamic and static (sm_90)
inline constexpr size_t kMostStaticShared = 48 * 1024;  // of which declared in the kernel
inline constexpr unsigned kMostThreads = 1024;
inline constexpr unsigned kMostCluster = 8;  // blocks

struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

/// A kernel with its arguments: call(closure).
struct KernelCall {
  void (*call)(const void* closure);
  const void* closure;
};

struct GridLaunch {
  Dim grid, block;
  size_t dynamic_shared = 0;  // bytes per block
  unsigned cluster = 1;       // neighbouring blocks along x that run at the same time
  KernelCall kernel;
};
/// Runs the kernel once for each thread of each block, from ordinary code. Throws Error when the launch is one the device would refuse,
/// and for everything the emulator catches (docs/simt.md lists it). Launches from several OS threads may overlap.
void run_grid(const GridLaunch& launch);

/// Launches of this thread go to `recorder` instead of being run, until it is set to null again. For recorded work (kernels/base/device_graph.h).
using LaunchRecorder = std::function<void(Dim grid, Dim block, size_t dynamic_shared, std::function<void()> run)>;
void set_recorder(LaunchRecorder* recorder);
LaunchRecorder* recorder();

/// Ends the launch with an Error: "softmax.cu:31: message (block 0,1,0 thread 33,0,0)".
[[noreturn]] void fault(const Site& site, const std::string& message);

/// Number of this thread within its block (x fastest), and its lane within its warp.
unsigned thread_rank();
inline unsigned lane() { return thread_rank() % kWarp; }

/// Waits until `threads` threads of the block have come to barrier `id` (0..15). threads == 0: the whole block, all at one line of the
/// source. The sum over those threads of `vote` is returned to each.
int barrier(int id, unsigned threads, int vote, const char* name, const Site& site);
/// Counts as having come, without waiting.
void barrier_arrive(int id, unsigned threads, const char* name, const Site& site);

/// One lane's part of a collective of its warp. It lives on the fiber's stack while the lane waits, so `combine`, which runs once when
/// all lanes of the mask have come, may read and write every lane's part. Derived structs carry operands and results.
struct WarpCall {
  uint32_t mask;
  void (*combine)(WarpCall* const* lanes);  // 32 pointers; null for lanes outside the mask
  const char* name;
  Site site;
};
/// Waits until every lane of call.mask has made a call with the same mask, combine and line, and combine has run.
void warp_collective(WarpCall& call);

/// Waits until ready(state) is true. The scheduler asks whenever it could continue this thread.
void wait_until(bool (*ready)(const void* state), const void* state, const char* name, const Site& site);

/// The block's shared array for `tag`, poisoned with 0xFF when the block first declares it, with a guard zone behind it.
void* shared_array(const void* tag, size_t bytes, size_t alignment, const char* name, const Site& site);
/// Where a pointer lies in the block's shared memory, as the device counts: bytes, 1024 * k for what is aligned to 1024. A pointer
/// elsewhere is a fault.
uint32_t shared_address(const void* p, const char* name, const Site& site);
/// The reverse.
char* shared_pointer(uint32_t address);

/// The block's dynamic shared memory: the launch's bytes, poisoned, aligned to 1024, a guard zone behind.
void* dynamic_shared();
size_t dynamic_shared_bytes();

// Clusters. A block that is not in one is a cluster of its own.

/// The number of the running block within its cluster.
unsigned cluster_rank();
/// The cluster's barrier: every thread that has not exited arrives, and waits for the others' arrivals.
void cluster_arrive(const Site& site);
void cluster_wait(const Site& site);
/// Does `work` in the place of the cluster's block `rank`: shared_pointer() and what else asks for a block means that one. A fault when it has ended,
/// or has not come to what lies at `address` of its shared memory.
void in_cluster_block(unsigned rank, uint32_t address, const char* name, const Site& site, const std::function<void()>& work);

// Work that the hardware does on its own after a thread has asked for it. When it lands is the schedule's choice: forward: as late as
// the program lets it; reverse: at once; shuffled: at random.

/// Work whose end a thread waits for by counting groups. Copies and stores of a queue land in any order, products in the order of issue.
enum class AsyncQueue : uint8_t { copies, stores, products };
void async_issue(AsyncQueue queue, std::function<void()> land);
/// Closes the group of what the thread issued to the queue since the last call.
void async_commit(AsyncQueue queue);
/// Lands all but the newest `newest` closed groups of the thread.
void async_wait(AsyncQueue queue, unsigned newest);
/// Has this thread closed every group it issued work for?
bool async_committed(AsyncQueue queue);
/// For watched builds (kernels/simt/access.h): the hardware has written shared memory.
void hardware_wrote(const void* p, unsigned bytes);
/// Likewise: this thread has arrived at an object in shared memory (an mbarrier), or passed it.
void sync_arrived(const void* object);
void sync_passed(const void* object);
/// Products of this thread may begin; false again once it has waited for all of them.
void products_fence();
bool products_fenced();
/// Work whose end shows elsewhere, in an mbarrier: it lands when it will, at the latest when no thread of the block can continue. A block
/// that ends before is a fault.
void async_issue(std::function<void()> land, const char* name, const Site& site);

}  // namespace kintsugi::simt
