// Clusters of the emulated GPU: blocks that run together, reach each other's barriers and load for each other.
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels/simt/emulator.h"
#include "tests/gpu/cluster_rounds.h"
#include "tests/simt/message_of.h"

using namespace kintsugi;
using namespace kintsugi::sim;
using testing::message_of;

namespace {

constexpr int kRounds = 7;
const simt::Schedule kSchedules[] = {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled};

struct Rounds {
  std::unique_ptr<float, void (*)(void*)> in{static_cast<float*>(std::aligned_alloc(128, kRounds * 64 * sizeof(float))), std::free};
  std::vector<float> out = std::vector<float>(128), want = std::vector<float>(128);
  Rounds() {
    for (int i = 0; i < kRounds * 64; ++i) in.get()[i] = float(i * 37 % 101);
    for (int rank = 0; rank < 2; ++rank)
      for (int t = 0; t < 64; ++t)
        for (int r = 0; r < kRounds; ++r) want[size_t(rank * 64 + t)] += float(r + 1 + rank) * in.get()[r * 64 + t];
  }
  // "right", "wrong numbers" or the error.
  template <ClusterFault kFault>
  std::string run(simt::Schedule s) {
    const simt::ScheduleGuard guard(s);
    try {
      run_cluster_rounds<kFault>(in.get(), out.data(), kRounds, nullptr);
    } catch (const Error& e) {
      return e.what();
    }
    return out == want ? "right" : "wrong numbers";
  }
};

template <ClusterFault kFault>
bool caught() {
  bool any = false;
  for (simt::Schedule s : kSchedules) any |= Rounds().run<kFault>(s) != "right";
  return any;
}

__global__ void ranks(int* out) {
  if (threadIdx.x == 0) out[blockIdx.x] = int(100 * cluster_rank() + blockIdx.y);
  cluster_sync();
}
__global__ void one_block_stays_away() {
  if (cluster_rank() == 0) cluster_sync();
  else __syncthreads();
  if (cluster_rank() == 1) cluster_arrive();
}
__global__ void arrives_twice() {
  cluster_arrive();
  cluster_arrive();
}
__global__ void waits_without_arriving() { cluster_wait(); }
__global__ void reaches_too_far() {
  KIN_SHARED(MBarrier, b);
  mbarrier_init(&b, 1);
  mbarrier_arrive_at(&b, 2);
}
__global__ void waits_for_ever() {
  KIN_SHARED(MBarrier, b);
  if (threadIdx.x == 0) mbarrier_init(&b, 2);
  cluster_sync();
  mbarrier_arrive_at(&b, 1);
  mbarrier_wait(&b, 0);
}
// An exited thread is not waited for.
__global__ void some_exit(int* out) {
  if (threadIdx.x >= 32) return;
  cluster_sync();
  if (threadIdx.x == 0) out[blockIdx.x] = 1;
}

}  // namespace

TEST_CASE("simt cluster: blocks load for each other and wait for each other") {
  for (simt::Schedule s : kSchedules) CHECK(Rounds().run<ClusterFault::none>(s) == "right");
}

TEST_CASE("simt cluster: ranks count neighbours along x, and those that exited are not waited for") {
  std::vector<int> out(6, -1);
  launch({{6}, 64, 0, nullptr, 3}, ranks, out.data());
  CHECK(out == std::vector<int>{0, 100, 200, 0, 100, 200});
  launch({{6}, 64, 0, nullptr, 2}, some_exit, out.data());
  CHECK(out == std::vector<int>(6, 1));
}

TEST_CASE("simt faults: clusters") {
  CHECK(caught<ClusterFault::begins_before_the_other>());
  CHECK(caught<ClusterFault::ends_before_the_other>());
  CHECK(caught<ClusterFault::overwrites_the_others>());
  CHECK_SAYS(Rounds().run<ClusterFault::begins_before_the_other>(simt::Schedule::reverse), "block 0 of the cluster has not begun with it");
  CHECK_SAYS(Rounds().run<ClusterFault::ends_before_the_other>(simt::Schedule::reverse), "block 1 of the cluster has ended");
  CHECK_SAYS(message_of({3, 32, 0, nullptr, 2}, arrives_twice), "a cluster has 1 to 8 blocks and the grid's x is a multiple of it, got 2 for (3,1,1)");
  CHECK_SAYS(message_of({9, 32, 0, nullptr, 9}, arrives_twice), "a cluster has 1 to 8 blocks");
  CHECK_SAYS(message_of({2, 32, 0, nullptr, 2}, arrives_twice), "the thread has arrived already");
  CHECK_SAYS(message_of({2, 32, 0, nullptr, 2}, waits_without_arriving), "the thread has not arrived");
  CHECK_SAYS(message_of({2, 32, 0, nullptr, 2}, reaches_too_far), "the cluster has 2 blocks, got rank 2");
  CHECK_SAYS(message_of({2, 1, 0, nullptr, 2}, waits_for_ever), "mbarrier_wait waits for ever");
  CHECK(message_of({2, 32, 0, nullptr, 2}, one_block_stays_away) == "no error");  // it may arrive late
}
