// The emulated GPU itself: indices, barriers, warp collectives, shared memory and atomics do what CUDA's do, under each schedule.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/simt/access.h"
#include "kernels/simt/emulator.h"
#include "kernels/simt/reduce.h"
#include "kernels/simt/simt.h"

using namespace kintsugi;
using namespace kintsugi::sim;

namespace {

template <class F>
void under_each_schedule(F&& f) {
  for (simt::Schedule s : {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled}) {
    INFO("schedule ", std::string(simt::name(s)));
    simt::ScheduleGuard guard(s);
    f();
  }
}

__global__ void write_indices(int* out, int width) {
  const unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  out[y * width + x] = int(1000 * y + x);
}

// Each block reverses its part through shared memory.
__global__ void reverse_blocks(const float* x, float* y) {
  KIN_SHARED(float, part, [64]);
  KIN_DYNAMIC_SHARED(float, again);
  const int i = int(threadIdx.x), base = int(blockIdx.x) * 64;
  part[i] = x[base + i];
  __syncthreads();
  again[i] = part[63 - i];
  __syncthreads();
  y[base + i] = again[(i + 1) % 64];
}

__global__ void collectives(int* out) {
  const int lane = int(threadIdx.x) % 32;
  int* mine = out + threadIdx.x * 8;
  mine[0] = __shfl_sync(kAllLanes, lane, 5);
  mine[1] = __shfl_xor_sync(kAllLanes, lane, 3);
  mine[2] = __shfl_up_sync(kAllLanes, lane, 2);
  mine[3] = __shfl_down_sync(kAllLanes, lane, 4, 8);
  mine[4] = int(__ballot_sync(kAllLanes, lane % 3 == 0));
  mine[5] = __any_sync(kAllLanes, lane == 31) * 2 + __all_sync(kAllLanes, lane < 31);
  mine[6] = int(__match_any_sync(kAllLanes, lane / 8));
  mine[7] = __syncthreads_count(lane < 10);
}

template <int kThreads>
__global__ void sums(const int* x, int* out) {
  const int v = x[threadIdx.x];
  const int sum = block_sum<kThreads>(v), most = block_reduce<kThreads, Max>(v, -1000), twice = block_sum<kThreads>(2 * v);
  if (threadIdx.x == 7) out[0] = sum, out[1] = most, out[2] = twice;
}

__global__ void count_all(unsigned* counter, int* largest) {
  atomicAdd(counter, 1);
  atomicMax(largest, int(blockIdx.x * blockDim.x + threadIdx.x));
}

__global__ void exits_early() {
  if (blockIdx.x == 650 && threadIdx.x >= 32) return;
  __syncthreads();
}

__global__ void read_unwritten(float* out) {
  KIN_SHARED(float, part, [4]);
  KIN_DYNAMIC_SHARED(float, more);
  out[2 * blockIdx.x] = part[1];
  out[2 * blockIdx.x + 1] = more[2];
  part[1] = more[2] = 1;  // must not reach the next block
}

}  // namespace

TEST_CASE("simt: blocks and threads have CUDA's indices") {
  under_each_schedule([] {
    std::vector<int> out(6 * 8, -1);
    launch({{2, 3}, {4, 2}}, write_indices, out.data(), 8);
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 8; ++x) CHECK(out[size_t(y * 8 + x)] == 1000 * y + x);
  });
}

TEST_CASE("simt: shared memory and barriers") {
  under_each_schedule([] {
    std::vector<float> x(192), y(192, -1);
    for (size_t i = 0; i < x.size(); ++i) x[i] = float(i);
    launch({3, 64, 64 * sizeof(float)}, reverse_blocks, x.data(), y.data());
    for (int i = 0; i < 192; ++i) CHECK(y[size_t(i)] == float(i / 64 * 64 + 63 - (i + 1) % 64));
  });
}

TEST_CASE("simt: shared memory starts as NaN in every block") {
  if (simt::watches_accesses()) return;  // where reading it is an error
  std::vector<float> out(6, 0);
  launch({3, 1, 16}, read_unwritten, out.data());
  for (float v : out) CHECK(std::isnan(v));
}

TEST_CASE("simt: shuffles and votes") {
  under_each_schedule([] {
    std::vector<int> out(64 * 8);
    launch({1, 64}, collectives, out.data());
    for (int t = 0; t < 64; ++t) {
      const int l = t % 32, *r = &out[size_t(t * 8)];
      CHECK(r[0] == 5);
      CHECK(r[1] == (l ^ 3));
      CHECK(r[2] == (l < 2 ? l : l - 2));
      CHECK(r[3] == (l % 8 < 4 ? l + 4 : l));
      CHECK(unsigned(r[4]) == 0x49249249u);
      CHECK(r[5] == 2);
      CHECK(unsigned(r[6]) == 0xffu << (l / 8 * 8));
      CHECK(r[7] == 20);
    }
  });
}

TEST_CASE("simt: reductions over a warp and a block") {
  under_each_schedule([] {
    std::vector<int> x(128), out(3);
    int sum = 0;
    for (int i = 0; i < 128; ++i) sum += x[size_t(i)] = i * 37 % 101 - 50;
    launch({1, 128}, sums<128>, x.data(), out.data());
    CHECK(out[0] == sum);
    CHECK(out[1] == 50);
    CHECK(out[2] == 2 * sum);
    launch({1, 32}, sums<32>, x.data(), out.data());
    CHECK(out[2] == 2 * out[0]);
  });
}

TEST_CASE("simt: atomics, empty grids and counters") {
  unsigned counter = 0;
  int largest = -1;
  const simt::Stats before = simt::stats();
  launch({5, 96}, count_all, &counter, &largest);
  launch({0, 96}, count_all, &counter, &largest);
  CHECK(counter == 480);
  CHECK(largest == 479);
  const simt::Stats after = simt::stats();
  CHECK(after.launches - before.launches == 1);
  CHECK(after.blocks - before.blocks == 5);
  CHECK(after.threads - before.threads == 480);
  CHECK(after.switches - before.switches == 480);
}

TEST_CASE("simt: launches a device would refuse") {
  unsigned counter = 0;
  int largest = -1;
  CHECK_THROWS_WITH_AS(launch({1, 1025}, count_all, &counter, &largest), doctest::Contains("1 to 1024 threads"), Error);
  CHECK_THROWS_WITH_AS(launch({{1, 65536}, 32}, count_all, &counter, &largest), doctest::Contains("65535"), Error);
  CHECK_THROWS_WITH_AS(launch({1, 32, 233000}, count_all, &counter, &largest), doctest::Contains("232448 bytes of shared memory, got 233000"), Error);
  simt::SizeCap cap(100);
  CHECK_THROWS_WITH_AS(launch({5, 96}, count_all, &counter, &largest), doctest::Contains(simt::kTooLarge), Error);
}

TEST_CASE("simt: blocks on several threads of the CPU") {
  const int before = threads();
  set_threads(3);
  unsigned counter = 0;
  int largest = -1;
  for (int i = 0; i < 3; ++i) launch({700, 64}, count_all, &counter, &largest);
  CHECK(counter == 3 * 700 * 64);
  CHECK(largest == 700 * 64 - 1);
  CHECK_THROWS_WITH_AS(launch({700, 64}, exits_early), doctest::Contains("reached by 32 of 64 threads; 32 have exited"), Error);
  set_threads(before);
}
