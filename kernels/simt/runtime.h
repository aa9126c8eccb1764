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

struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

/// Runs kernel() once for each thread of each block, from ordinary code. Throws Error when the launch is one the device would refuse,
/// and for everything the emulator catches (docs/simt.md lists it). Launches from several OS threads may overlap.
void run_grid(Dim grid, Dim block, size_t dynamic_shared, const std::function<void()>& kernel);

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
/// The block's dynamic shared memory: the launch's bytes, poisoned, aligned to 1024, a guard zone behind.
void* dynamic_shared();
size_t dynamic_shared_bytes();

}  // namespace kintsugi::simt
