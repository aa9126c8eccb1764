// Watched builds (kernels/simt/access.h): races are found whatever the schedule, requests are counted as the memory system would.
// In other builds only the arithmetic of the swizzles is left to check, which test_primitives does.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kernels/simt/access.h"
#include "kernels/simt/emulator.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/named_barrier.h"
#include "kernels/simt/pack.h"
#include "kernels/simt/reduce.h"
#include "kernels/simt/simt.h"
#include "tests/simt/message_of.h"

using namespace kintsugi;
using namespace kintsugi::sim;
using testing::message_of;

namespace {

template <int kStride>
__global__ void strided_copy(const float* x, float* y) { y[threadIdx.x * kStride] = x[threadIdx.x * kStride]; }
__global__ void packed_copy(const float* x, float* y) { store_pack(y + 4 * threadIdx.x, load_pack<4>(x + 4 * threadIdx.x)); }
template <int kPitch>
__global__ void transpose(const float* x, float* y) {
  KIN_SHARED(float, tile, [32 * kPitch]);
  for (int r = 0; r < 32; ++r) tile[r * kPitch + int(threadIdx.x)] = x[r * 32 + int(threadIdx.x)];
  __syncwarp();
  for (int r = 0; r < 32; ++r) y[r * 32 + int(threadIdx.x)] = tile[int(threadIdx.x) * kPitch + r];
}

__global__ void read_before_barrier(float* y) {
  KIN_SHARED(float, part, [64]);
  const int i = int(threadIdx.x);
  part[i] = float(i);
  y[i] = part[i ^ 32];
}
__global__ void write_after_read(float* y) {
  KIN_SHARED(float, part, [64]);
  const int i = int(threadIdx.x);
  part[i] = float(i);
  __syncthreads();
  y[i] = part[i ^ 32];
  part[i] = 0;
}
__global__ void lanes_without_syncwarp(float* y) {
  KIN_SHARED(float, part, [32]);
  const int i = int(threadIdx.x);
  part[i] = float(i);
  y[i] = part[i ^ 1];
}
__global__ void nobody_wrote(float* y) {
  KIN_SHARED(float, part, [32]);
  *y = part[3];
}
__global__ void past_the_end(float* y, int at) {
  KIN_SHARED(float, part, [32]);
  float* p = part;
  p[0] = 1;
  *y = p[at];
}
// Right: a warp hands values to another through a named barrier, and back through an mbarrier.
__global__ void handed_over(float* y) {
  KIN_SHARED(float, part, [32]);
  KIN_SHARED(MBarrier, back);
  const int lane = int(threadIdx.x) % 32;
  if (threadIdx.x == 0) mbarrier_init(&back, 32);
  __syncthreads();
  if (threadIdx.x < 32) {
    part[lane] = float(lane);
    named_barrier_arrive(1, 64);
    mbarrier_wait(&back, 0);
    y[lane] = part[lane ^ 1];
  } else {
    named_barrier_sync(1, 64);
    const float v = part[lane ^ 3];
    __syncwarp();
    part[lane] = v;
    mbarrier_arrive(&back);
  }
}
__global__ void sums_twice(const float* x, float* y) {
  const float s = block_sum<64>(x[threadIdx.x]), t = block_sum<64>(s * x[threadIdx.x]);
  y[threadIdx.x] = t;
}

template <class... P, class... A>
simt::AccessCounts counts_of(Launch l, void (*kernel)(P...), A... args) {
  simt::AccessCounter counter;
  launch(l, kernel, args...);
  return counter.counts();
}

}  // namespace

TEST_CASE("simt access: coalescing and bank conflicts are counted") {
  std::vector<float> memory(8192 + 64);
  float* x = memory.data() + (32 - reinterpret_cast<uintptr_t>(memory.data()) / 4 % 32) % 32;  // at a multiple of 128 bytes
  float* y = x + 4096;
  const auto dense = counts_of({1, 32}, strided_copy<1>, x, y);
  if (!simt::watches_accesses()) {
    CHECK(dense.global_requests == 0);
    return;
  }
  CHECK(dense.global_requests == 2);
  CHECK(dense.global_bytes == 256);
  CHECK(dense.global_sectors == 8);
  CHECK(dense.overfetch() == 1);
  CHECK(counts_of({1, 32}, strided_copy<8>, x, y).global_sectors == 64);
  CHECK(counts_of({1, 32}, strided_copy<8>, x, y).overfetch() == 8);
  CHECK(counts_of({1, 32}, strided_copy<1>, x + 4, y).global_sectors == 9);  // not aligned to a sector
  const auto packed = counts_of({1, 32}, packed_copy, x, y);
  CHECK(packed.global_requests == 2);
  CHECK(packed.global_sectors == 32);
  const auto square = counts_of({1, 32}, transpose<32>, x, y), padded = counts_of({1, 32}, transpose<33>, x, y);
  CHECK(square.shared_requests == 64);
  CHECK(square.conflicts() == 32 * 31);  // a column lies in one bank
  CHECK(padded.conflicts() == 0);
}

TEST_CASE("simt access: races and unwritten memory") {
  if (!simt::watches_accesses()) return;
  std::vector<float> x(64, 1), y(64);
  for (simt::Schedule s : {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled}) {
    simt::ScheduleGuard guard(s);
    CHECK_SAYS(message_of({1, 64}, read_before_barrier, y.data()), "'part' + ");
    CHECK_SAYS(message_of({1, 64}, write_after_read, y.data()), "with no barrier between them");
    CHECK_SAYS(message_of({1, 64}, write_after_read, y.data()), "after __syncthreads");
    CHECK_SAYS(message_of({1, 32}, lanes_without_syncwarp, y.data()), "'part' + ");
    CHECK_SAYS(message_of({1, 1}, nobody_wrote, y.data()), "'part' + 12: thread 0 reads what nobody wrote");
    CHECK_SAYS(message_of({1, 1}, past_the_end, y.data(), 32), "thread 0 reads outside every shared array");
    CHECK(message_of({1, 1}, past_the_end, y.data(), 0) == "no error");
    CHECK(message_of({1, 64}, handed_over, y.data()) == "no error");
    CHECK(message_of({1, 64}, sums_twice, x.data(), y.data()) == "no error");
  }
}
