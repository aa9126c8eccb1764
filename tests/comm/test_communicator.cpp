// The operations, on the row of threads; the rows of processes are in test_processes.cpp.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>

#include "kernels/base/device_runtime.h"
#include "kernels/vendor/nccl.h"
#include "tensor/comm/launch.h"
#include "tensor/comm/rendezvous.h"
#include "tensor/random.h"
#include "tests/comm/ranks.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

std::vector<std::string> no_errors(int n) { return std::vector<std::string>(size_t(n)); }

Tensor of_rank(int rank, int64_t n, DType dtype) { return random_normal({n}, 0, 1, 3, "rank", uint64_t(rank), dtype); }

bool same_bits(const Tensor& a, const Tensor& b) { return a.bytes() == b.bytes() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

// rank 0 + rank 1 + ..., one addition after the other.
Tensor summed(int ranks, int64_t n, DType dtype) {
  const Tensor sum = of_rank(0, n, dtype).clone();
  visit_float(dtype, "summed", [&]<class T>() {
    for (int r = 1; r < ranks; ++r) {
      const Tensor part = of_rank(r, n, dtype);
      for (int64_t i = 0; i < n; ++i) sum.data<T>()[i] += part.data<T>()[i];
    }
  });
  return sum;
}

}  // namespace

TEST_CASE("communicator: sums are taken in the order of ranks, to the bit, for every size and number of ranks") {
  for (const int ranks : {1, 2, 3, 4})
    for (const int64_t n : {0, 1, 2, 3, 5, 4099})
      for (const DType dtype : {DType::f32, DType::f64}) {
        CAPTURE(ranks);
        CAPTURE(n);
        const Tensor expected = summed(ranks, n, dtype);
        std::vector<Tensor> got(size_t(ranks), Tensor{});
        CHECK(on_ranks(ranks, [&](auto c) {
                const Tensor x = of_rank(c->rank(), n, dtype).clone();
                c->all_reduce(x);
                got[size_t(c->rank())] = x;
              }) == no_errors(ranks));
        for (const Tensor& g : got) CHECK(same_bits(g, expected));
      }
}

TEST_CASE("communicator: operations under way run in order while the caller goes on") {
  CHECK(on_ranks(3, [](auto c) {
          std::vector<Tensor> x;
          std::vector<Pending> pending;
          for (int i = 0; i < 20; ++i) {
            x.push_back(Tensor::full({int64_t(100 * i + 1)}, c->rank() + i, DType::f32));
            pending.push_back(c->start_all_reduce(x.back()));
          }
          for (int i = 19; i >= 0; --i) pending[size_t(i)].wait();
          for (int i = 0; i < 20; ++i)
            if (x[size_t(i)].item(100 * i) != 3 * i + 3) fail("operation ", i, " gave ", x[size_t(i)].item(100 * i));
        }) == no_errors(3));
}

TEST_CASE("communicator: broadcast, all_gather, agree, texts") {
  CHECK(on_ranks(3, [](auto c) {
          for (int root = 0; root < 3; ++root)
            for (const DType dtype : {DType::f32, DType::i64, DType::u8}) {
              const Tensor x = Tensor::full({5, 2}, c->rank() + 10, dtype);
              c->broadcast(x, root);
              for (int i = 0; i < 10; ++i) KIN_CHECK(x.item(i) == root + 10, "broadcast from ", root, " gave ", x.item(i));
            }
          const Tensor all = c->all_gather(Tensor::full({2}, c->rank(), DType::f64));
          KIN_CHECK(all.shape() == Shape({3, 2}), "all_gather gave ", all);
          for (int i = 0; i < 6; ++i) KIN_CHECK(all.item(i) == i / 2, "all_gather gave ", all.item(i), " at ", i);
          KIN_CHECK(c->agree(c->rank() == 1 ? 15 : 0) == 15, "agree");
          const auto texts = c->all_gather(std::string(size_t(c->rank()) * 3, 'x'));
          KIN_CHECK(texts == std::vector<std::string>({"", "xxx", "xxxxxx"}), "texts");
          c->barrier();
        }) == no_errors(3));
}

TEST_CASE("communicator: tensors of the emulated device go by way of the CPU") {
  const Device sim{DeviceKind::sim, 0};
  CHECK(on_ranks(2, [&](auto c) {
          const Tensor x = Tensor::full({7}, c->rank() + 1, DType::f32, sim);
          c->all_reduce(x);
          KIN_CHECK(x.device() == sim && x.item(6) == 3, "all_reduce gave ", x.item(6));
          c->broadcast(x, 1);
          const Tensor all = c->all_gather(x);
          KIN_CHECK(all.device() == sim && all.item(13) == 3, "all_gather gave ", all.item(13));
        }) == no_errors(2));
}

TEST_CASE("communicator: ranks that disagree about a shape are told so") {
  const auto errors = on_ranks(2, [](auto c) { c->all_reduce(Tensor::zeros({c->rank() + 4})); });
  for (const auto& e : errors) CHECK_MESSAGE(e.find("bytes of exchange 0") != std::string::npos, e);
  const auto types = on_ranks(2, [](auto c) { c->all_reduce(Tensor::zeros({4}, DType::u8)); });
  CHECK(types[0].find("all_reduce: x must be f32, f64 or i64, got [4] u8 cpu") != std::string::npos);
}

TEST_CASE("communicator: a rank that fails ends the others with its number and its reason") {
  const auto errors = on_ranks(3, [](auto c) {
    c->barrier();
    if (c->rank() == 1) fail("the disk is full");
    for (;;) c->barrier();
  });
  CHECK(errors[1] == "the disk is full");
  for (const int r : {0, 2}) CHECK(errors[size_t(r)] == "rank 1 failed: the disk is full");
}

TEST_CASE("communicator: an end that goes while the stack is unwound tells the others") {
  auto ends = local_communicators(2, 20);
  std::thread other([mine = std::move(ends[1])]() mutable {
    try {
      const auto gone = std::move(mine);
      fail("nobody tells of this");
    } catch (const Error&) {
    }
  });
  CHECK_THROWS_WITH_AS(ends[0]->barrier(), "rank 1 failed: ended by an error", Error);
  other.join();
}

TEST_CASE("communicator: a rank that hangs is named after the time-out, one that gives signs of life is waited for") {
  const auto start = std::chrono::steady_clock::now();
  const auto errors = on_ranks(
      3,
      [](auto c) {
        c->barrier();
        if (c->rank() == 2)
          for (int i = 0; i < 160; ++i) {  // 3.2 s; signs of life in the first half only
            if (i < 80) c->pulse();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          }
        c->barrier();
      },
      1);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const auto& e : errors) CHECK_MESSAGE(e.find("rank 2 hangs: no sign of life from its work for 1 s, while rank") != std::string::npos, e);
  CHECK(took > 2.5);
}

TEST_CASE("communicator: NCCL says what is missing, or carries what lies on the GPU") {
  const Device gpu{DeviceKind::cuda, 0};
  CHECK_THROWS_WITH_AS(join({}, {}, 20, Carrier::nccl), "NCCL carries what lies on a CUDA device, got cpu", Error);
  if (vendor::nccl_refuses() || !device_runtime(DeviceKind::cuda).refuses(0).empty()) {
    std::string said;
    try {
      join({}, gpu, 20, Carrier::nccl);
    } catch (const Error& e) {
      said = e.what();
    }
    MESSAGE("not tested: ", said);
    CHECK(said.starts_with("NCCL cannot be used: rank 0: "));
    return;
  }
  const auto c = join({}, gpu, 20, Carrier::nccl);
  CHECK(c->row() == "NCCL and threads");
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor expected = of_rank(0, 100003, dtype), x = expected.to(gpu);
    c->start_all_reduce(x).wait();
    CHECK(same_bits(x.host(), expected));
    c->broadcast(x);
    CHECK(same_bits(c->all_gather(x).host(), expected));
  }
  CHECK(c->agree(7) == 7);
}

TEST_CASE("rendezvous: texts packed and unpacked; strangers are refused") {
  const std::vector<std::string> texts{"", "a b", "12 ", std::string("\0x", 2)};
  CHECK(comm::unpack(comm::pack(texts)) == texts);
  for (const char* bad : {"x", "5 abc", "-1 ", "GET / HTTP/1.1"}) CHECK_THROWS_AS(comm::unpack(bad), Error);
}
