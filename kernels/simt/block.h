// One block of the emulated GPU: its threads as fibers, its scheduler, barriers and shared memory. Internal to kernels/simt.
#pragma once
#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "kernels/simt/access_checker.h"
#include "kernels/simt/emulator.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/runtime.h"

namespace kintsugi::simt {

/// Adds to the process's count of switches; throws Error when a SizeCap is exceeded.
void count_switches(uint64_t n);

/// The order in which n things take their turn.
class Order {
 public:
  Order(Schedule s, uint64_t seed) : schedule_(s), random_(seed * 0x9e3779b97f4a7c15u | 1) {}
  void reset(size_t n) {
    at_.resize(n);
    std::iota(at_.begin(), at_.end(), size_t(0));
    if (schedule_ == Schedule::reverse) std::reverse(at_.begin(), at_.end());
  }
  /// A new order, where the schedule is shuffled.
  void draw() {
    if (schedule_ != Schedule::shuffled) return;
    for (size_t i = at_.size(); i > 1; --i) std::swap(at_[i - 1], at_[below(i)]);
  }
  size_t operator[](size_t i) const { return at_[i]; }
  size_t size() const { return at_.size(); }
  size_t below(size_t n) {  // xorshift64
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return size_t(random_ >> 11) % n;
  }

 private:
  Schedule schedule_;
  uint64_t random_;
  std::vector<size_t> at_;
};

/// Work in flight in one block, and when it lands.
class AsyncWork {
 public:
  void begin_block(size_t threads, Schedule schedule, uint64_t seed);
  void issue(unsigned thread, AsyncQueue queue, std::function<void()> land);
  void commit(unsigned thread, AsyncQueue queue);
  void wait(unsigned thread, AsyncQueue queue, unsigned newest);
  bool committed(unsigned thread, AsyncQueue queue) const;
  void fence_products(unsigned thread) { queue(thread, AsyncQueue::products).fenced = true; }
  bool products_fenced(unsigned thread) { return queue(thread, AsyncQueue::products).fenced; }
  void issue_free(std::function<void()> land, const char* name, const Site& site);
  /// Lands one piece that any thread may be waiting for; false when there is none.
  bool land_one();
  /// Perhaps lands some: called whenever a warp has had its turn. Did it?
  bool drift();
  /// The thread has ended: copies land, results that nobody waited for are faults.
  void end_thread(unsigned thread);
  void end_block() const;

 private:
  struct Piece {
    std::function<void()> land;
    unsigned group;
  };
  struct Queue {
    std::vector<Piece> pieces;  // in the order of issue
    unsigned group = 0;         // of what is issued now
    bool open = false;          // was anything issued to it?
    bool fenced = false;        // products only
  };
  struct Free {
    std::function<void()> land;
    const char* name;
    Site site;
  };
  Queue& queue(unsigned thread, AsyncQueue kind) {
    used_ = true;
    return queues_[thread][size_t(kind)];
  }
  void land_piece(Queue& queue, size_t index);
  size_t choose(AsyncQueue kind, size_t count);

  std::vector<std::array<Queue, 3>> queues_;  // per thread
  std::vector<Free> free_;
  Order random_{Schedule::forward, 0};
  Schedule schedule_ = Schedule::forward;
  bool used_ = false;
};

/// The shared memory of one block: the dynamic part, then each declared array, each followed by a guard zone. Everything starts
/// as 0xFF bytes, which are NaN in every float type: reading what nobody wrote, or just past an array, shows in the result.
class SharedMemory {
 public:
  SharedMemory();
  void begin_block(size_t dynamic_bytes);
  void* declare(const void* tag, size_t bytes, size_t alignment, const char* name, const Site& site);
  void* dynamic() const { return base_ + kGuard; }
  bool contains(const void* p) const { return p >= base_ && p < base_ + used_; }
  uint32_t address(const void* p) const { return uint32_t(static_cast<const char*>(p) - base_); }
  char* pointer(uint32_t address) const { return base_ + address; }
  size_t dynamic_bytes() const { return dynamic_bytes_; }
  /// "'part' + 64", or "" where the bytes are not all within one array.
  std::string name_of(uint32_t address, unsigned bytes) const;
  /// Throws Error naming the array when a guard zone was written.
  void check_guards() const;

 private:
  static constexpr size_t kGuard = 1024, kAfterStatic = 256;
  struct Array {
    const void* tag;
    size_t offset, bytes;
    const char* name;
    Site site;
  };
  std::unique_ptr<char, void (*)(void*)> memory_;
  char* base_;
  size_t capacity_, dynamic_bytes_ = 0, used_ = 0, static_bytes_ = 0;
  std::vector<Array> arrays_;
};

class Cluster;

class Block {
 public:
  enum class State : uint8_t { ready, at_barrier, at_warp_call, waiting, done };
  struct Thread {
    Fiber fiber;
    Dim index;
    State state = State::ready;
    int barrier = 0, votes = 0;
    WarpCall* call = nullptr;
    bool (*poll)(const void*) = nullptr;
    const void* poll_state = nullptr;
    unsigned cluster_arrivals = 0, cluster_waits = 0;
    const char* doing = "";  // what it waits at
    Site site;
  };

  // What the cluster does with it. A call that throws leaves a block that can be begun again.

  /// Makes it block `number` of the grid, all of its threads at their start.
  void begin(const GridLaunch& launch, uint64_t number, Schedule order, Cluster& cluster);
  /// Gives each warp its turn. Was anything done? Throws what the kernel or the emulator threw, and when the block has ended, what is wrong with its end.
  bool turn();
  bool ended() const { return ended_; }
  /// Lands one piece of work in flight; false when there is none.
  bool land_one();
  [[noreturn]] void report_stuck() const;

  /// The block whose fiber or scheduler runs on this OS thread, else null.
  static Block* running();
  /// While it lives, this is the block that runs.
  class Running {
   public:
    explicit Running(Block& block);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Block* before_;
  };

  // Called from fibers; see kernels/simt/runtime.h.
  int barrier(int id, unsigned threads, int vote, const char* name, const Site& site);
  void barrier_arrive(int id, unsigned threads, const char* name, const Site& site);
  void warp_collective(WarpCall& call);
  void wait_until(bool (*ready)(const void*), const void* state, const char* name, const Site& site);
  SharedMemory& shared() { return shared_; }
  AsyncWork& async() { return async_; }
  AccessChecker& checker() { return checker_; }
  /// A load or store of a watched build, from anywhere in the program.
  void access(const void* p, unsigned bytes, bool write, bool atomic, const void* code);
  /// While true, accesses are the copy engine's.
  void set_hardware(bool on) { hardware_ = on; }
  unsigned rank() const { return current_; }
  Cluster& cluster() { return *cluster_; }
  /// Of the thread that runs.
  void cluster_arrive(const Site& site);
  void cluster_wait(const Site& site);
  /// Has every thread that has not exited arrived `times` times?
  bool all_arrived(unsigned times) const;
  /// "softmax.cu:31: message (block 0,1,0 thread 33,0,0)".
  std::string located(const Site& site, const std::string& message) const;

 private:
  struct Barrier {
    unsigned expected = 0, arrived = 0;
    int votes = 0;
    bool whole_block = false;
  };
  static constexpr int kBarriers = 16;
  static constexpr unsigned kNobody = ~0u;

  static void fiber_entry();
  void make_stacks();
  void start_threads();
  void suspend();
  void resume(unsigned thread);
  bool run_warp(unsigned warp);
  bool finish_warp_calls(unsigned first, unsigned last);
  Barrier& come_to(int id, unsigned threads, int vote, const char* name, const Site& site);
  void release(int id);
  void end();
  std::string describe(const std::vector<unsigned>& threads) const;

  std::vector<Thread> threads_;
  std::unique_ptr<char[]> stacks_;
  size_t stack_count_ = 0;
  Fiber scheduler_;
  SharedMemory shared_;
  AsyncWork async_;
  AccessChecker checker_;
  bool hardware_ = false;
  Barrier barriers_[kBarriers];
  unsigned count_ = 0, current_ = kNobody;
  uint64_t resumed_ = 0;
  bool ended_ = true;
  Dim index_, size_, grid_;
  Cluster* cluster_ = nullptr;
  Order warp_order_{Schedule::forward, 0}, lane_order_{Schedule::forward, 0};
  const KernelCall* kernel_ = nullptr;
  std::exception_ptr error_;
};

}  // namespace kintsugi::simt
