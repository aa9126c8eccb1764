// The primitives that wrap PTX: their twins against plain loops, and their planted faults. Products of bf16 are exact in f32, so sums of
// a few hundred of them differ from f64 by less than 1e-5 of the largest.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels/base/philox.h"
#include "kernels/simt/access.h"
#include "kernels/simt/cp_async.h"
#include "kernels/simt/emulator.h"
#include "kernels/simt/ldmatrix.h"
#include "kernels/simt/mbarrier.h"
#include "kernels/simt/mma.h"
#include "kernels/simt/named_barrier.h"
#include "kernels/simt/pack.h"
#include "kernels/simt/tma.h"
#include "kernels/simt/wgmma.h"
#include "tests/gpu/primitives.h"
#include "tests/simt/message_of.h"

using namespace kintsugi;
using testing::message_of;

namespace {

const Context kSim{{DeviceKind::sim}};

template <class F>
void under_each_schedule(F&& f) {
  for (simt::Schedule s : {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled}) {
    INFO("schedule ", std::string(simt::name(s)));
    simt::ScheduleGuard guard(s);
    f();
  }
}

template <class T>
struct Matrix {  // aligned as TMA wants it
  int rows, columns;
  std::unique_ptr<T[], void (*)(void*)> values;
  Matrix(int r, int c, const char* purpose) : rows(r), columns(c), values(static_cast<T*>(std::aligned_alloc(1024, (size_t(r * c) * sizeof(T) + 1023) / 1024 * 1024)), std::free) {
    Philox random(3, purpose);
    for (int i = 0; i < r * c; ++i) values[size_t(i)] = T(random.normal());
  }
  T* data() const { return values.get(); }
  float at(int r, int c) const { return float(values[size_t(r * columns + c)]); }
};

// max |d - a b^T| / max |a b^T|; b is [n][k], or [k][n] where transposed.
template <class T>
double error_of(const std::vector<float>& d, const Matrix<T>& a, const Matrix<T>& b, bool transposed, float (*rounded)(float) = nullptr) {
  const int n = transposed ? b.columns : b.rows;
  double worst = 0, scale = 0;
  for (int r = 0; r < a.rows; ++r)
    for (int c = 0; c < n; ++c) {
      double sum = 0;
      for (int k = 0; k < a.columns; ++k) {
        float x = a.at(r, k), y = transposed ? b.at(k, c) : b.at(c, k);
        if (rounded) x = rounded(x), y = rounded(y);
        sum += double(x) * y;
      }
      const double e = std::fabs(sum - d[size_t(r * n + c)]);
      worst = std::isfinite(e) ? std::max(worst, e) : INFINITY;
      scale = std::max(scale, std::fabs(sum));
    }
  return worst / scale;
}
float rounded_tf32(float x) { return std::bit_cast<float>(sim::to_tf32(x)); }
float cut_tf32(float x) { return std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0xffffe000u); }

}  // namespace

TEST_CASE("simt primitives: mma.sync with ldmatrix") {
  const Matrix<bf16> a(16, 16, "a"), b(8, 16, "b");
  const Matrix<float> fa(16, 8, "a"), fb(8, 8, "b");
  under_each_schedule([&] {
    std::vector<float> d(128, NAN);
    sim::mma_bf16_tile(kSim, {a.data(), b.data(), d.data(), 16, 8, 16});
    CHECK(error_of(d, a, b, false) < 1e-6);
    sim::mma_tf32_tile(kSim, {fa.data(), fb.data(), d.data(), 16, 8, 8});
    CHECK(error_of(d, fa, fb, false, rounded_tf32) < 1e-6);
  });
}

TEST_CASE("simt primitives: rounding to tf32") {
  CHECK(std::bit_cast<float>(sim::to_tf32(1.0f + 0x1p-11f)) == 1.0f + 0x1p-10f);  // a tie goes away from zero
  CHECK(std::bit_cast<float>(sim::to_tf32(-1.0f - 0x1p-12f)) == -1.0f);
  CHECK(std::isinf(std::bit_cast<float>(sim::to_tf32(INFINITY))));
}

TEST_CASE("simt primitives: ldmatrix and stmatrix") {
  const Matrix<bf16> in(32, 8, "in");
  std::vector<bf16> out(256);
  under_each_schedule([&] {
    sim::ldmatrix_round_trip(kSim, in.data(), out.data(), false);
    for (size_t i = 0; i < 256; ++i) CHECK(out[i].bits == in.data()[i].bits);
    sim::ldmatrix_round_trip(kSim, in.data(), out.data(), true);
    for (int m = 0; m < 4; ++m)
      for (int r = 0; r < 8; ++r)
        for (int c = 0; c < 8; ++c) CHECK(float(out[size_t(64 * m + 8 * r + c)]) == in.at(8 * m + c, r));
  });
}

TEST_CASE("simt primitives: cp.async in three stages") {
  const Matrix<float> in(7, 128, "in");
  under_each_schedule([&] {
    std::vector<float> out(128, NAN);
    sim::cp_async_sum(kSim, in.data(), out.data(), 7, 5);
    for (int i = 0; i < 128; ++i) {
      float sum = 0;
      for (int t = 0; t < 5; ++t) sum += in.at(t, i);
      CHECK(out[size_t(i)] == sum);
    }
  });
}

TEST_CASE("simt primitives: TMA boxes reach over the edges") {
  const int h = 5, w = 6, c = 8;
  const Matrix<float> in(h * w, c, "in");
  under_each_schedule([&] {
    for (const auto& [dy, dx] : {std::pair{0, 0}, {-1, 2}, {3, -4}, {9, 0}}) {
      Matrix<float> out(h * w, c, "out");
      sim::tma_shift(kSim, in.data(), out.data(), h, w, c, dy, dx);
      for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
          for (int k = 0; k < c; ++k) {
            const int sy = y + dy, sx = x + dx;
            const bool inside = sy >= 0 && sy < h && sx >= 0 && sx < w;
            CHECK(out.at(y * w + x, k) == (inside ? in.at(sy * w + sx, k) : 0.0f));
          }
    }
  });
}

TEST_CASE("simt primitives: swizzles are permutations that spread eight rows over all banks") {
  for (Swizzle s : {Swizzle::b32, Swizzle::b64, Swizzle::b128}) {
    std::vector<bool> seen(2048);
    for (uint32_t a = 0; a < 2048; ++a) seen[swizzled(a, s)] = true;
    CHECK(std::count(seen.begin(), seen.end(), true) == 2048);
  }
  for (uint32_t chunk = 0; chunk < 8; ++chunk) {
    uint32_t banks = 0;
    for (uint32_t row = 0; row < 8; ++row) banks |= 1u << (swizzled(row * 128 + chunk * 16, Swizzle::b128) % 128 / 16);
    CHECK(banks == 0xff);
  }
}

TEST_CASE("simt primitives: wgmma fed by TMA through mbarriers") {
  const Matrix<bf16> a(128, 192, "a"), b(64, 192, "b"), bt(192, 64, "bt");
  under_each_schedule([&] {
    std::vector<float> d(128 * 64, NAN);
    sim::wgmma_bf16_product(kSim, {a.data(), b.data(), d.data(), 128, 64, 192}, false);
    CHECK(error_of(d, a, b, false) < 1e-6);
    std::fill(d.begin(), d.end(), NAN);
    sim::wgmma_bf16_product(kSim, {a.data(), bt.data(), d.data(), 128, 64, 192}, true);
    CHECK(error_of(d, a, bt, true) < 1e-6);
  });
}

TEST_CASE("simt primitives: wgmma with A in registers, and in tf32") {
  const Matrix<bf16> a(64, 64, "a"), b(64, 64, "b");
  const Matrix<float> fa(64, 32, "fa"), fb(64, 32, "fb");
  under_each_schedule([&] {
    std::vector<float> d(64 * 64, NAN);
    sim::wgmma_registers_product(kSim, {a.data(), b.data(), d.data(), 64, 64, 64});
    CHECK(error_of(d, a, b, false) < 1e-6);
    std::fill(d.begin(), d.end(), NAN);
    sim::wgmma_tf32_product(kSim, {fa.data(), fb.data(), d.data(), 64, 64, 32});
    CHECK(error_of(d, fa, fb, false, cut_tf32) < 1e-6);
  });
}

// ---- planted faults ----------------------------------------------------------------------------------------------------------------

namespace {
using namespace kintsugi::sim;

enum class Fault { none, no_wait, no_barrier, wrong_stage, no_commit, no_fence, no_expect, unaligned };

// As cp_async_sum, with faults.
template <Fault kFault>
__global__ void staged_copies(const float* in, float* out, int tiles) {
  constexpr int kStages = 3;
  KIN_SHARED(float, stage, [kStages][256]);
  const int l = int(threadIdx.x);
  const auto issue = [&](int t) {
    if (t < tiles) cp_async<16>(&stage[t % kStages][4 * l], in + 256 * t + 4 * l + (kFault == Fault::unaligned));
    cp_async_commit();
  };
  for (int t = 0; t < kStages - 1; ++t) issue(t);
  float sums[4] = {};
  for (int t = 0; t < tiles; ++t) {
    if constexpr (kFault == Fault::wrong_stage) cp_async_wait<kStages - 1>();
    else if constexpr (kFault != Fault::no_wait) cp_async_wait<kStages - 2>();
    if constexpr (kFault != Fault::no_barrier) __syncthreads();
    issue(t + kStages - 1);
    for (int i = 0; i < 4; ++i) sums[i] += stage[t % kStages][64 * i + l];
  }
  for (int i = 0; i < 4; ++i) out[64 * i + l] = sums[i];
}
// Is the result wrong under some schedule?
template <Fault kFault>
bool staged_copies_fail() {
  const Matrix<float> in(8, 256, "in");
  bool wrong = false;
  under_each_schedule([&] {
    std::vector<float> out(256, NAN);
    try {
      launch({1, 64}, staged_copies<kFault>, in.data(), out.data(), 7);
    } catch (const Error&) {  // a watched build sees the race itself
      if (!simt::watches_accesses() || kFault == Fault::unaligned) throw;
    }
    for (int i = 0; i < 256; ++i) {
      float sum = 0;
      for (int t = 0; t < 7; ++t) sum += in.at(t, i);
      wrong |= !(out[size_t(i)] == sum);
    }
  });
  return wrong;
}

template <Fault kFault>
__global__ void one_tile_product(const __grid_constant__ TensorMap a_map, float* d) {
  KIN_DYNAMIC_SHARED(bf16, tile);
  KIN_SHARED(MBarrier, full);
  if (threadIdx.x == 0) {
    mbarrier_init(&full, 1);
    mbarrier_fence_init();
    if constexpr (kFault == Fault::no_expect) mbarrier_arrive(&full);
    else mbarrier_arrive_expect(&full, 64 * 64 * 2);
    tma_load(tile + (kFault == Fault::unaligned ? 64 : 0), a_map, &full, 0, 0);
  }
  __syncthreads();
  if constexpr (kFault != Fault::no_barrier) mbarrier_wait(&full, kFault == Fault::wrong_stage);
  float sums[32] = {};
  if constexpr (kFault != Fault::no_fence) wgmma_fence();
  wgmma_bf16<64>(sums, describe_tile(tile, 16, 1024, Swizzle::b128), describe_tile(tile, 16, 1024, Swizzle::b128));
  if constexpr (kFault != Fault::no_commit) wgmma_commit();
  if constexpr (kFault != Fault::no_wait) wgmma_wait<0>(sums);
  for (int i = 0; i < 32; ++i) d[threadIdx.x * 32 + unsigned(i)] = sums[i];
}
// "wrong" when the sums differ from the right ones under some schedule, the error's message when one was thrown, else "right".
template <Fault kFault>
std::string outcome_of_product() {
  const Matrix<bf16> a(64, 64, "a");
  BoxShape s;
  s.rank = 2;
  s.sizes[0] = s.sizes[1] = s.box[0] = s.box[1] = 64;
  s.pitch[0] = 128;
  const TensorMap map = make_tensor_map(a.data(), DType::bf16, s, Swizzle::b128);
  std::vector<float> right(64 * 64), d(64 * 64);
  launch({1, 128, 64 * 64 * 2 + 1024}, one_tile_product<Fault::none>, map, right.data());
  std::string outcome = "right";
  for (simt::Schedule order : {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled}) {
    simt::ScheduleGuard guard(order);
    try {
      launch({1, 128, 64 * 64 * 2 + 1024}, one_tile_product<kFault>, map, d.data());
      if (d != right) outcome = "wrong";
    } catch (const Error& e) {
      return e.what();
    }
  }
  return outcome;
}

__global__ void uninitialised() {
  KIN_SHARED(MBarrier, b);
  mbarrier_arrive(&b);
}
__global__ void too_many_arrivals() {
  KIN_SHARED(MBarrier, b);
  if (threadIdx.x == 0) mbarrier_init(&b, 2);
  __syncthreads();
  mbarrier_arrive_expect(&b, 8);
}
__global__ void barrier_with_too_few() {
  if (threadIdx.x < 32) named_barrier_sync(1, 64);
}
__global__ void roles(int* out) {  // 32 producers arrive, 32 consumers wait
  KIN_SHARED(int, value);
  if (threadIdx.x < 32) {
    if (threadIdx.x == 0) value = 7;
    named_barrier_arrive(2, 64);
  } else {
    named_barrier_sync(2, 64);
    out[threadIdx.x - 32] = value;
  }
}
__global__ void unaligned_pack(const float* x, float* y) { store_pack(y, load_pack<4>(x + 1)); }
__global__ void ldmatrix_from_global(const bf16* x) {
  uint32_t r[1];
  ldmatrix<1>(r, x);
}

}  // namespace

TEST_CASE("simt faults: copies in flight") {
  CHECK(!staged_copies_fail<Fault::none>());
  CHECK(staged_copies_fail<Fault::no_wait>());
  CHECK(staged_copies_fail<Fault::wrong_stage>());
  CHECK(staged_copies_fail<Fault::no_barrier>());
  CHECK_THROWS_WITH_AS(staged_copies_fail<Fault::unaligned>(), doctest::Contains("cp_async: the address must be a multiple of 16"), Error);
}

TEST_CASE("simt faults: TMA, mbarriers and wgmma") {
  CHECK(outcome_of_product<Fault::none>() == "right");
  const std::string too_early = simt::watches_accesses() ? "reads what nobody wrote" : "the block ended with 1 tma_load in flight";
  CHECK_SAYS(outcome_of_product<Fault::no_barrier>(), too_early);
  CHECK_SAYS(outcome_of_product<Fault::wrong_stage>(), too_early);
  CHECK_SAYS(outcome_of_product<Fault::no_expect>(), too_early);
  CHECK_SAYS(outcome_of_product<Fault::no_commit>(), "products were issued and not committed");
  CHECK_SAYS(outcome_of_product<Fault::no_wait>(), "ended before it waited for its products");
  CHECK_SAYS(outcome_of_product<Fault::no_fence>(), "no wgmma_fence");
  CHECK_SAYS(outcome_of_product<Fault::unaligned>(), "tma_load: the tile must begin at a multiple of 1024");
  CHECK_SAYS(message_of({1, 1}, uninitialised), "mbarrier_arrive: the mbarrier was not initialised");
  CHECK_SAYS(message_of({1, 32}, too_many_arrivals), "more arrivals than the 2 of this phase");
}

TEST_CASE("simt faults: named barriers, packs and ldmatrix") {
  CHECK_SAYS(message_of({1, 64}, barrier_with_too_few), "named_barrier_sync reached by 32 of 64 threads; 32 have exited");
  std::vector<int> out(32);
  under_each_schedule([&] {
    launch({1, 64}, roles, out.data());
    for (int v : out) CHECK(v == 7);
  });
  alignas(16) float x[8] = {}, y[4];
  CHECK_SAYS(message_of({1, 1}, unaligned_pack, x, y), "load_pack: the address must be a multiple of 16");
  alignas(16) bf16 z[8];
  CHECK_SAYS(message_of({1, 32}, ldmatrix_from_global, z), "ldmatrix: the pointer is not into shared memory");
}
