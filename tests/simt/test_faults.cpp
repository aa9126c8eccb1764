// Planted faults: each must be caught by the emulator, by a wrong number or by a message.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/simt/access.h"
#include "kernels/simt/emulator.h"
#include "kernels/simt/reduce.h"
#include "kernels/simt/simt.h"
#include "tests/simt/message_of.h"

using namespace kintsugi;
using namespace kintsugi::sim;
using testing::message_of;

namespace {

constexpr int kThreads = 64;

enum class Fault { none, no_barrier_before_read, no_barrier_before_overwrite };

// Sums of neighbours over several rounds through one buffer: needs a barrier on either side of the reads.
template <Fault kFault>
__global__ void ring(const float* x, float* y, int rounds) {
  KIN_SHARED(float, now, [kThreads]);
  const int i = int(threadIdx.x);
  float v = x[i];
  for (int r = 0; r < rounds; ++r) {
    now[i] = v;
    if constexpr (kFault != Fault::no_barrier_before_read) __syncthreads();
    v = now[(i + 1) % kThreads] + now[(i + kThreads - 1) % kThreads];
    if constexpr (kFault != Fault::no_barrier_before_overwrite) __syncthreads();
  }
  y[i] = v;
}

template <Fault kFault>
bool ring_is_right() {
  std::vector<float> x(kThreads), y(kThreads), want(kThreads), next(kThreads);
  for (int i = 0; i < kThreads; ++i) want[size_t(i)] = x[size_t(i)] = float(i * 7 % 13);
  for (int r = 0; r < 3; ++r) {
    for (size_t i = 0; i < kThreads; ++i) next[i] = want[(i + 1) % kThreads] + want[(i + kThreads - 1) % kThreads];
    want = next;
  }
  try {
    launch({1, kThreads}, ring<kFault>, x.data(), y.data(), 3);
  } catch (const Error&) {  // a watched build sees the race itself
    return false;
  }
  return y == want;
}

__global__ void barrier_after_exit() {
  if (threadIdx.x >= 7) return;
  __syncthreads();
}
__global__ void barriers_on_two_sides() {
  if (threadIdx.x < 32) __syncthreads();
  else __syncthreads();
}
__global__ void divergent_shuffle(int* out) {
  if (threadIdx.x % 32 < 16) *out = __shfl_xor_sync(kAllLanes, 1, 1);
  else __syncthreads();
}
__global__ void shuffle_after_exit(int* out) {
  if (threadIdx.x == 3) return;
  *out = __shfl_sync(kAllLanes, 1, 0);
}
__global__ void shuffle_from_outside(int* out) {
  if (threadIdx.x < 8) *out = __shfl_sync(0xffu, 1, 9);
}
__global__ void mask_without_me(int* out) { *out = __shfl_sync(0xfffffffeu, 1, 3); }
__global__ void masks_differ(int* out) { *out = __any_sync(threadIdx.x < 4 ? 0xfu : kAllLanes, 1); }
__global__ void past_static_array(int at) {
  KIN_SHARED(float, first, [33]);
  KIN_SHARED(float, second, [8]);
  if (threadIdx.x < 8) second[threadIdx.x] = 1;
  float* p = first;  // a subscript of the array itself would end a UBSan build here
  p[int(threadIdx.x) + at] = 1;
}
__global__ void past_dynamic(int at) {
  KIN_DYNAMIC_SHARED(float, buffer);
  buffer[at] = 1;
}
__global__ void too_much_static() {
  KIN_SHARED(float, a, [8192]);
  KIN_SHARED(float, b, [8192]);
  a[threadIdx.x] = b[threadIdx.x] = 1;
}

}  // namespace

TEST_CASE("simt faults: a missing barrier gives a wrong number") {
  bool early_read = false, early_overwrite = false;
  for (simt::Schedule s : {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled}) {
    simt::ScheduleGuard guard(s);
    CHECK(ring_is_right<Fault::none>());
    early_read |= !ring_is_right<Fault::no_barrier_before_read>();
    early_overwrite |= !ring_is_right<Fault::no_barrier_before_overwrite>();
  }
  CHECK(early_read);
  CHECK(early_overwrite);
}

TEST_CASE("simt faults: barriers that some threads never reach") {
  const std::string exited = message_of({1, 64}, barrier_after_exit);
  CHECK_SAYS(exited, "test_faults.cpp:");
  CHECK_SAYS(exited, "__syncthreads reached by 7 of 64 threads; 57 have exited");
  const std::string sides = message_of({1, 64}, barriers_on_two_sides);
  CHECK_SAYS(sides, "__syncthreads reached by 32 of 64 threads; 32 wait at __syncthreads (test_faults.cpp:");
}

TEST_CASE("simt faults: shuffles in divergent code") {
  int out = 0;
  const std::string divergent = message_of({1, 32}, divergent_shuffle, &out);
  CHECK_SAYS(divergent, "__shfl_xor_sync reached by 16 of the 32 lanes in its mask 0xffffffff, warp 0; 16 wait at __syncthreads");
  CHECK_SAYS(message_of({1, 64}, shuffle_after_exit, &out), "__shfl_sync reached by 31 of the 32 lanes in its mask 0xffffffff, warp 0; 1 have exited");
  CHECK_SAYS(message_of({1, 32}, shuffle_from_outside, &out), "lane 0 reads lane 9, which is not in the mask");
  CHECK_SAYS(message_of({1, 32}, mask_without_me, &out), "does not name the calling lane 0");
  CHECK_SAYS(message_of({1, 32}, masks_differ, &out), "__any_sync reached by 28 of the 32 lanes");
  CHECK_SAYS(message_of({1, 48}, shuffle_after_exit, &out), "names lanes that do not exist; this warp has 16");
}

TEST_CASE("simt faults: writes outside shared memory") {
  CHECK(message_of({1, 32}, past_static_array, 1) == "no error");
  const std::string past = message_of({1, 32}, past_static_array, 2);
  const bool at_once = simt::watches_accesses();  // else by the guard zones, when the block ends
  CHECK_SAYS(past, at_once ? "writes outside every shared array" : "shared array 'first' was written past its end (132 bytes)");
  if (!at_once) CHECK_SAYS(past, "test_faults.cpp:");
  CHECK_SAYS(message_of({1, 1, 64}, past_dynamic, 16), at_once ? "outside every shared array" : "dynamic shared memory was written past its end (64 bytes)");
  CHECK_SAYS(message_of({1, 1, 64}, past_dynamic, -1), at_once ? "outside every shared array" : "dynamic shared memory was written before its beginning");
  CHECK_SAYS(message_of({1, 32}, too_much_static), "at most 49152 bytes of shared arrays, 'b' makes it 65536");
}

TEST_CASE("simt faults: the emulator works after a fault") { CHECK(ring_is_right<Fault::none>()); }
