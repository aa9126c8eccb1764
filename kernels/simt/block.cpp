#include "kernels/simt/block.h"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "kernels/base/error.h"
#include "kernels/simt/cluster.h"
#include "kernels/simt/dialect.h"

namespace kintsugi::sim {
__thread uint3 threadIdx, blockIdx;
__thread dim3 blockDim, gridDim;
}  // namespace kintsugi::sim

namespace kintsugi::simt {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStack = 256 * 1024;
#else
constexpr size_t kStack = 64 * 1024;
#endif
// Stacks are not a power of two apart, else their tops would fall into the same few lines of the cache.
constexpr size_t kStackPitch = kStack + 576;
constexpr uint64_t kCanary = 0x5ca1ab1e5ca1ab1e;

thread_local Block* running_block = nullptr;

std::string place(const Site& site) {
  const std::string_view file = site.file_name();
  return text(file.substr(file.find_last_of('/') + 1), ':', site.line());
}
bool same(const Site& a, const Site& b) { return a.line() == b.line() && a.column() == b.column(); }

// The OS thread's own stack, where a launch keeps its arguments.
bool on_scheduler_stack(const void* p) {
  thread_local uintptr_t begin = 0, end = 0;
  if (!end) {
    pthread_attr_t attributes;
    void* low = nullptr;
    size_t bytes = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
      pthread_attr_getstack(&attributes, &low, &bytes);
      pthread_attr_destroy(&attributes);
    }
    begin = reinterpret_cast<uintptr_t>(low);
    end = begin + bytes;
  }
  const auto at = reinterpret_cast<uintptr_t>(p);
  return at >= begin && at < end;
}

// threadIdx and its like are registers on a device.
bool is_register(const void* p) {
  const auto of = [p](const auto& variable) { return p >= &variable && p < &variable + 1; };
  return of(sim::threadIdx) || of(sim::blockIdx) || of(sim::blockDim) || of(sim::gridDim);
}

// What addr2line wants to know.
std::string place_of_code(const void* code) {
  Dl_info info;
  if (!dladdr(code, &info)) return "";
  return text(", code 0x", std::hex, reinterpret_cast<uintptr_t>(code) - reinterpret_cast<uintptr_t>(info.dli_fbase), " of ", info.dli_fname);
}

Block& here(const char* what) {
  KIN_CHECK(running_block, "simt: ", what, " outside a kernel");
  return *running_block;
}

}  // namespace

Block* Block::running() { return running_block; }
Block::Running::Running(Block& block) : before_(std::exchange(running_block, &block)) {}
Block::Running::~Running() { running_block = before_; }

void Block::begin(const GridLaunch& launch, uint64_t number, Schedule order, Cluster& cluster) {
  grid_ = launch.grid;
  size_ = launch.block;
  count_ = size_.x * size_.y * size_.z;
  index_ = {unsigned(number % grid_.x), unsigned(number / grid_.x % grid_.y), unsigned(number / grid_.x / grid_.y)};
  kernel_ = &launch.kernel;
  cluster_ = &cluster;
  ended_ = false;
  error_ = nullptr;
  resumed_ = 0;
  std::fill(std::begin(barriers_), std::end(barriers_), Barrier{});
  warp_order_ = Order(order, 2 * number + 1);
  warp_order_.reset((count_ + kWarp - 1) / kWarp);
  lane_order_ = Order(order, 2 * number + 2);
  lane_order_.reset(kWarp);
  shared_.begin_block(launch.dynamic_shared);
  make_stacks();
  start_threads();
  async_.begin_block(count_, order, 2 * number + 3);
  hardware_ = false;
  if constexpr (watches_accesses()) checker_.begin_block(count_);
}

bool Block::turn() {
  const Running here(*this);
  sim::gridDim = {grid_.x, grid_.y, grid_.z};
  sim::blockDim = {size_.x, size_.y, size_.z};
  sim::blockIdx = {index_.x, index_.y, index_.z};
  bool progress = false;
  warp_order_.draw();
  for (size_t i = 0; i < warp_order_.size(); ++i) {
    progress |= run_warp(unsigned(warp_order_[i]));
    progress |= async_.drift();
  }
  count_switches(std::exchange(resumed_, 0));
  if (std::all_of(threads_.begin(), threads_.begin() + count_, [](const Thread& t) { return t.state == State::done; })) end();
  return progress;
}

bool Block::land_one() {
  const Running here(*this);
  return async_.land_one();
}

void Block::end() {
  ended_ = true;
  for (unsigned i = 0; i < count_; ++i) {
    uint64_t canary;
    std::memcpy(&canary, stacks_.get() + i * kStackPitch, sizeof canary);
    KIN_CHECK(canary == kCanary, "simt: a thread used more than ", kStack, " bytes of stack");
  }
  async_.end_block();
  if constexpr (watches_accesses()) checker_.end_block();
  shared_.check_guards();
}

void Block::make_stacks() {
  if (stack_count_ >= count_) return;
  threads_ = std::vector<Thread>(count_);
  stacks_.reset(new char[count_ * kStackPitch + 64]);
  stack_count_ = count_;
}

void Block::start_threads() {
  const Dim d = size_;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    char* stack = stacks_.get() + i * kStackPitch;
    std::memcpy(stack, &kCanary, sizeof kCanary);
    t.fiber.prepare(stack, kStack, fiber_entry);
    t.index = {i % d.x, i / d.x % d.y, i / d.x / d.y};
    t.state = State::ready;
    t.cluster_arrivals = t.cluster_waits = 0;
    t.doing = "";
    t.site = Site();
  }
}

__attribute__((no_sanitize("thread"))) void Block::fiber_entry() {
  Fiber::begun();
  Block& block = *running_block;
  try {
    block.kernel_->call(block.kernel_->closure);
    block.async_.end_thread(block.current_);
  } catch (...) {
    block.error_ = std::current_exception();
  }
  Thread& me = block.threads_[block.current_];
  me.state = State::done;
  Fiber::leave(me.fiber, block.scheduler_);
}

void Block::suspend() { Fiber::switch_to(threads_[current_].fiber, scheduler_); }

void Block::resume(unsigned thread) {
  current_ = thread;
  const Dim& i = threads_[thread].index;
  sim::threadIdx = {i.x, i.y, i.z};
  ++resumed_;
  Fiber::switch_to(scheduler_, threads_[thread].fiber);
  current_ = kNobody;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

// Runs one warp until none of its lanes can continue: the greediest legal schedule. Was anything done?
bool Block::run_warp(unsigned warp) {
  const unsigned first = warp * kWarp, last = std::min(count_, first + kWarp);
  bool progress = false;
  for (;;) {
    bool ran = false;
    lane_order_.draw();
    for (size_t i = 0; i < lane_order_.size(); ++i) {
      const unsigned thread = first + unsigned(lane_order_[i]);
      if (thread >= last) continue;
      Thread& t = threads_[thread];
      if (t.state == State::waiting && t.poll(t.poll_state)) t.state = State::ready;
      if (t.state != State::ready) continue;
      resume(thread);
      ran = true;
    }
    if (finish_warp_calls(first, last)) ran = true;
    if (!ran) return progress;
    progress = true;
  }
}

// Completes every collective all of whose lanes have come.
bool Block::finish_warp_calls(unsigned first, unsigned last) {
  bool any = false;
  uint32_t seen = 0;
  for (unsigned i = first; i < last; ++i) {
    const uint32_t bit = 1u << (i - first);
    if ((seen & bit) || threads_[i].state != State::at_warp_call) continue;
    const WarpCall& call = *threads_[i].call;
    seen |= call.mask;
    WarpCall* lanes[kWarp] = {};
    bool complete = true;
    for (unsigned l = 0; l < kWarp && complete; ++l) {
      if (!(call.mask >> l & 1)) continue;
      complete = first + l < last && threads_[first + l].state == State::at_warp_call;
      if (!complete) break;
      WarpCall& other = *threads_[first + l].call;
      complete = other.mask == call.mask && other.combine == call.combine && same(other.site, call.site);
      lanes[l] = &other;
    }
    if (!complete) continue;
    call.combine(lanes);
    if constexpr (watches_accesses()) checker_.warp_synced(first / kWarp);
    for (unsigned l = 0; l < kWarp; ++l)
      if (lanes[l]) threads_[first + l].state = State::ready;
    any = true;
  }
  return any;
}

Block::Barrier& Block::come_to(int id, unsigned threads, int vote, const char* name, const Site& site) {
  if (id < 0 || id >= kBarriers) fault(site, text(name, ": barrier must be 0 to ", kBarriers - 1, ", got ", id));
  const unsigned expected = threads ? threads : count_;
  if (expected > count_ || (threads && threads % kWarp))
    fault(site, text(name, ": the number of threads must be a multiple of ", kWarp, " and at most ", count_, ", got ", expected));
  Barrier& b = barriers_[id];
  if (b.arrived && b.expected != expected)
    fault(site, text(name, ": barrier ", id, " waits for ", b.expected, " threads, here for ", expected));
  if constexpr (watches_accesses()) checker_.arrived(current_, &b);
  b.expected = expected;
  b.whole_block = threads == 0;
  ++b.arrived;
  b.votes += vote;
  return b;
}

int Block::barrier(int id, unsigned threads, int vote, const char* name, const Site& site) {
  Barrier& b = come_to(id, threads, vote, name, site);
  Thread& me = threads_[current_];
  me.state = State::at_barrier;
  me.barrier = id;
  me.doing = name;
  me.site = site;
  if (b.arrived == b.expected) release(id);
  else suspend();
  return me.votes;
}

void Block::barrier_arrive(int id, unsigned threads, const char* name, const Site& site) {
  const Barrier& b = come_to(id, threads, 0, name, site);
  if (b.arrived == b.expected) release(id);
}

void Block::release(int id) {
  Barrier& b = barriers_[id];
  const Thread* first = nullptr;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.state != State::at_barrier || t.barrier != id) continue;
    if (!first) first = &t;
    // Threads that meet at different lines are in divergent code: the program is wrong even where the counts happen to agree.
    if (b.whole_block && !same(first->site, t.site)) report_stuck();
  }
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.state != State::at_barrier || t.barrier != id) continue;
    t.state = State::ready;
    t.votes = b.votes;
    if constexpr (watches_accesses()) {
      checker_.passed(i, &b);
      checker_.warp_synced(i / kWarp);
    }
  }
  if constexpr (watches_accesses()) checker_.forget(&b);
  b = Barrier{};
}

void Block::warp_collective(WarpCall& call) {
  const unsigned lane = current_ % kWarp, first = current_ - lane;
  const unsigned lanes = std::min<unsigned>(kWarp, count_ - first);
  if (!(call.mask >> lane & 1)) fault(call.site, text(call.name, ": mask 0x", std::hex, call.mask, " does not name the calling lane ", std::dec, lane));
  if (lanes < kWarp && call.mask >> lanes)
    fault(call.site, text(call.name, ": mask 0x", std::hex, call.mask, std::dec, " names lanes that do not exist; this warp has ", lanes));
  Thread& me = threads_[current_];
  me.state = State::at_warp_call;
  me.call = &call;
  me.doing = call.name;
  me.site = call.site;
  suspend();
}

void Block::wait_until(bool (*ready)(const void*), const void* state, const char* name, const Site& site) {
  if (ready(state)) return;
  Thread& me = threads_[current_];
  me.state = State::waiting;
  me.poll = ready;
  me.poll_state = state;
  me.doing = name;
  me.site = site;
  suspend();
}

void Block::cluster_arrive(const Site& site) {
  Thread& me = threads_[current_];
  if (me.cluster_arrivals != me.cluster_waits) fault(site, "cluster_arrive: the thread has arrived already, and not waited");
  ++me.cluster_arrivals;
  if constexpr (watches_accesses()) checker_.arrived(current_, cluster_);
}

void Block::cluster_wait(const Site& site) {
  Thread& me = threads_[current_];
  if (me.cluster_arrivals == me.cluster_waits) fault(site, "cluster_wait: the thread has not arrived");
  struct Awaited {
    const Cluster* cluster;
    unsigned times;
  } awaited{cluster_, me.cluster_arrivals};
  const auto all_came = [](const void* p) {
    const auto* a = static_cast<const Awaited*>(p);
    return a->cluster->all_arrived(a->times);
  };
  wait_until(all_came, &awaited, "cluster_wait", site);
  ++me.cluster_waits;
  if constexpr (watches_accesses()) checker_.passed(current_, cluster_);
}

bool Block::all_arrived(unsigned times) const {
  return std::all_of(threads_.begin(), threads_.begin() + count_, [&](const Thread& t) { return t.state == State::done || t.cluster_arrivals >= times; });
}

std::string Block::located(const Site& site, const std::string& message) const {
  std::string where = text(" (block ", index_.x, ',', index_.y, ',', index_.z);
  if (current_ != kNobody) {
    const Dim& t = threads_[current_].index;
    where += text(" thread ", t.x, ',', t.y, ',', t.z);
  }
  return text(place(site), ": ", message, where, ')');
}

// "57 have exited; 32 wait at __syncthreads (softmax.cu:40)"
std::string Block::describe(const std::vector<unsigned>& threads) const {
  std::map<std::string, int> groups;
  for (unsigned i : threads) {
    const Thread& t = threads_[i];
    ++groups[t.state == State::done ? "have exited" : text("wait at ", t.doing, " (", place(t.site), ')')];
  }
  std::string list;
  for (const auto& [what, n] : groups) list += text("; ", n, ' ', what);
  return list;
}

void Block::report_stuck() const {
  const auto waiting = [&](State s) {
    return std::find_if(threads_.begin(), threads_.begin() + count_, [s](const Thread& t) { return t.state == s; });
  };
  const auto end = threads_.begin() + count_;
  if (const auto it = waiting(State::at_warp_call); it != end) {
    const WarpCall& call = *it->call;
    const unsigned warp = unsigned(it - threads_.begin()) / kWarp;
    std::vector<unsigned> others;
    int came = 0, named = 0;
    for (unsigned l = 0; l < kWarp; ++l) {
      if (!(call.mask >> l & 1)) continue;
      ++named;
      const Thread& t = threads_[warp * kWarp + l];
      if (t.state == State::at_warp_call && t.call->mask == call.mask && same(t.site, call.site)) ++came;
      else others.push_back(warp * kWarp + l);
    }
    throw Error(located(call.site, text(call.name, " reached by ", came, " of the ", named, " lanes in its mask 0x", std::hex, call.mask, std::dec,
                                        ", warp ", warp, describe(others))));
  }
  if (const auto it = waiting(State::at_barrier); it != end) {
    const Barrier& b = barriers_[it->barrier];
    std::vector<unsigned> others;
    int came = 0;
    for (unsigned i = 0; i < count_; ++i) {
      const Thread& t = threads_[i];
      if (t.state == State::at_barrier && t.barrier == it->barrier && same(t.site, it->site)) ++came;
      else others.push_back(i);
    }
    throw Error(located(it->site, text(it->doing, " reached by ", came, " of ", b.expected, " threads", describe(others))));
  }
  const auto it = waiting(State::waiting);
  std::vector<unsigned> all(count_);
  std::iota(all.begin(), all.end(), 0u);
  throw Error(located(it->site, text(it->doing, " waits for ever", describe(all))));
}

void Block::access(const void* p, unsigned bytes, bool write, bool atomic, const void* code) {
  const auto* at = static_cast<const char*>(p);
  const bool nobody = current_ == kNobody;
  if (!shared_.contains(p)) {
    const bool on_stack = at >= stacks_.get() && at < stacks_.get() + stack_count_ * kStackPitch;
    if (AccessCounter::active() && !nobody && !on_stack && !on_scheduler_stack(p) && !is_register(p))
      checker_.count(current_, code, reinterpret_cast<uintptr_t>(p), bytes, false);
    return;
  }
  const uint32_t offset = shared_.address(p);
  if (nobody || hardware_ || atomic) {
    if (write) checker_.shared_written(offset, bytes);
    return;
  }
  const std::string name = shared_.name_of(offset, bytes);
  const std::string wrong = name.empty() ? text("thread ", current_, write ? " writes" : " reads", " outside every shared array") : checker_.shared_access(current_, offset, bytes, write);
  if (AccessCounter::active()) checker_.count(current_, code, offset, bytes, true);
  if (wrong.empty()) return;
  // The compiler does not expect an exception from a load: end the thread instead, the scheduler throws.
  Thread& me = threads_[current_];
  const std::string last = *me.doing ? text(", after ", me.doing) : "";
  error_ = std::make_exception_ptr(Error(located(me.site, text(name, name.empty() ? "" : ": ", wrong, last, place_of_code(code)))));
  me.state = State::done;
  Fiber::leave(me.fiber, scheduler_);
}

void fault(const Site& site, const std::string& message) {
  throw Error(running_block ? running_block->located(site, message) : text(place(site), ": ", message));
}
unsigned thread_rank() { return here("thread_rank").rank(); }
int barrier(int id, unsigned threads, int vote, const char* name, const Site& site) { return here(name).barrier(id, threads, vote, name, site); }
void barrier_arrive(int id, unsigned threads, const char* name, const Site& site) { here(name).barrier_arrive(id, threads, name, site); }
void warp_collective(WarpCall& call) { here(call.name).warp_collective(call); }
void wait_until(bool (*ready)(const void*), const void* state, const char* name, const Site& site) {
  here(name).wait_until(ready, state, name, site);
}
void* shared_array(const void* tag, size_t bytes, size_t alignment, const char* name, const Site& site) {
  return here(name).shared().declare(tag, bytes, alignment, name, site);
}
void* dynamic_shared() { return here("dynamic shared memory").shared().dynamic(); }
uint32_t shared_address(const void* p, const char* name, const Site& site) {
  const SharedMemory& shared = here(name).shared();
  if (!shared.contains(p)) fault(site, text(name, ": the pointer is not into shared memory"));
  return shared.address(p);
}
char* shared_pointer(uint32_t address) { return here("shared memory").shared().pointer(address); }
void async_issue(AsyncQueue queue, std::function<void()> land) { here("async").async().issue(thread_rank(), queue, std::move(land)); }
void async_commit(AsyncQueue queue) { here("async").async().commit(thread_rank(), queue); }
void async_wait(AsyncQueue queue, unsigned newest) { here("async").async().wait(thread_rank(), queue, newest); }
bool async_committed(AsyncQueue queue) { return here("async").async().committed(thread_rank(), queue); }
void async_issue(std::function<void()> land, const char* name, const Site& site) { here(name).async().issue_free(std::move(land), name, site); }
void hardware_wrote(const void* p, unsigned bytes) {
  if constexpr (watches_accesses()) {
    Block& block = here("shared memory");
    block.checker().shared_written(block.shared().address(p), bytes);
  }
}
void sync_arrived(const void* object) {
  if constexpr (watches_accesses()) here("mbarrier").checker().arrived(here("mbarrier").rank(), object);
}
void sync_passed(const void* object) {
  if constexpr (watches_accesses()) here("mbarrier").checker().passed(here("mbarrier").rank(), object);
}
void products_fence() { here("wgmma_fence").async().fence_products(thread_rank()); }
bool products_fenced() { return here("wgmma").async().products_fenced(thread_rank()); }
size_t dynamic_shared_bytes() { return here("dynamic shared memory").shared().dynamic_bytes(); }

}  // namespace kintsugi::simt
