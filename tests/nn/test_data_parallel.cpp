// Many ranks against one process that does the same work alone.
#include "nn/data_parallel.h"

#include <doctest/doctest.h>

#include <cstring>
#include <mutex>

#include "autograd/engine.h"
#include "autograd/ops/batch_norm.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "nn/layers.h"
#include "optim/optimizer.h"
#include "tensor/random.h"
#include "tests/comm/ranks.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

// Three layers, of which `spare` is not always used.
struct Net {
  ParameterStore store;
  Linear first, spare, last;
  explicit Net(uint64_t seed = 1)
      : store({.seed = seed}), first(store.root() / "first", 6, 16), spare(store.root() / "spare", 16, 16), last(store.root() / "last", 16, 3) {}
  Var operator()(const Var& x, bool with_spare = true) const {
    const Var h = silu(first(x));
    return last(with_spare ? h + spare(h) : h);
  }
};

Tensor input(int batch) { return random_normal({4, 6}, 0, 1, 5, "input", uint64_t(batch)); }
Tensor target(int batch) { return random_normal({4, 3}, 0, 1, 5, "target", uint64_t(batch)); }
/// An end that notes which tensors it was given to add up, by their size, and when.
class Recording : public Communicator {
 public:
  explicit Recording(std::shared_ptr<Communicator> end) : Communicator(end->rank(), end->size(), end->row()), end_(std::move(end)) {}

  bool in_backward = false;
  std::vector<int64_t> during, behind;

  Pending start_all_reduce(const Tensor& x) override {
    (in_backward ? during : behind).push_back(x.numel());
    return end_->start_all_reduce(x);
  }
  void broadcast(const Tensor& x, int root) override { end_->broadcast(x, root); }
  Tensor all_gather(const Tensor& x) override { return end_->all_gather(x); }
  void barrier() override { end_->barrier(); }
  void pulse() override { end_->pulse(); }
  void abandon(const std::string& why) noexcept override { end_->abandon(why); }
  void on_failure(std::function<void(const std::string&)> tell) override { end_->on_failure(std::move(tell)); }

 private:
  std::shared_ptr<Communicator> end_;
};

const DataParallelOptions kSmallBuckets{.bucket_bytes = 400, .last_bucket_bytes = 100};

std::vector<char> bits(const ParameterStore& store) {
  std::vector<char> all;
  for (const auto& e : store.entries()) {
    const char* p = static_cast<const char*>(e.value().raw());
    all.insert(all.end(), p, p + e.value().bytes());
  }
  return all;
}

// `steps` steps of rank `rank` of `size`, each on `accumulate` of the step's batches.
std::vector<char> train(const std::shared_ptr<Communicator>& c, int steps, int accumulate, int passes) {
  const Net net(c->rank() == 0 ? 1 : 2);  // what other ranks start with does not count
  DataParallel parallel(const_cast<ParameterStore&>(net.store), c, kSmallBuckets);
  Adam adam(net.store.trainable(), {.beta1 = 0.9, .beta2 = 0.99});
  const int in_all = accumulate * c->size();
  for (int n = 0; n < steps; ++n) {
    adam.zero_grad();
    parallel.begin(accumulate, passes);
    for (int a = 0; a < accumulate; ++a) {
      const int batch = n * in_all + a * c->size() + c->rank();
      for (int p = 0; p < passes; ++p) backward(mse_loss(net(input(batch + 1000 * p)), target(batch)));
    }
    parallel.finish();
    adam.step({.lr = 0.01, .grad_scale = 1.0 / in_all});
  }
  parallel.check_equal();
  return bits(net.store);
}

std::vector<char> train_on(int ranks, int accumulate, int steps = 20, int passes = 1) {
  std::vector<char> result;
  for (const auto& e : on_ranks(ranks, [&](auto c) {
         const auto mine = train(c, steps, accumulate, passes);
         if (c->rank() == 0) result = mine;
       }))
    CHECK(e == "");
  return result;
}

}  // namespace

TEST_CASE("data parallel: buckets fill from the last parameter, the last one stays small") {
  const DataParallelOptions o{.bucket_bytes = 100, .last_bucket_bytes = 10};
  CHECK(bucket_plan({}, o) == std::vector<int>{});
  CHECK(bucket_plan({500}, o) == std::vector<int>{1});
  CHECK(bucket_plan({4, 4, 4, 60, 60, 60, 60}, o) == std::vector<int>({2, 2, 1, 2}));
  CHECK(bucket_plan({500, 5, 5}, o) == std::vector<int>({2, 1}));
  // The published stage I network's 64 million parameters: a handful of messages.
  CHECK(bucket_plan(std::vector<size_t>(400, size_t(640000)), {}).size() == 9);
}

TEST_CASE("data parallel: any number of ranks leaves the bits of one process that accumulates their batches") {
  const auto alone = train_on(1, 4);
  CHECK(train_on(4, 1) == alone);
  CHECK(train_on(1, 3, 5) == train_on(3, 1, 5));
  CHECK(train_on(4, 1) != train_on(4, 1, 19));
  // A discriminator's two passes.
  CHECK(train_on(1, 3, 5, 2) == train_on(3, 1, 5, 2));
}

TEST_CASE("data parallel: reductions start while backward runs, in one order") {
  const Net net;
  const auto c = std::make_shared<Recording>(local_communicators(1)[0]);
  DataParallel parallel(const_cast<ParameterStore&>(net.store), c, kSmallBuckets);
  REQUIRE(parallel.buckets() == 3);
  // The gradient of the first layer comes last; by then the layers behind it are on their way.
  size_t when_first_came = 0;
  net.first.weight.on_grad([&](const Tensor&) {
    when_first_came = c->during.size();
    return Tensor();
  });
  const auto step = [&](bool with_spare) {
    c->during.clear();
    c->behind.clear();
    net.store.zero_grad();
    parallel.begin();
    c->in_backward = true;
    backward(mse_loss(net(input(0), with_spare), target(0)));
    c->in_backward = false;
    parallel.finish();
  };
  step(true);
  CHECK(c->during.size() == 3);
  CHECK(c->behind.empty());
  CHECK(when_first_came >= 1);
  const std::vector<int64_t> order = c->during;
  // A bucket that does not fill holds up those behind it, full or not: on other ranks it may have filled.
  step(false);
  CHECK(c->during.size() < 3);
  std::vector<int64_t> all = c->during;
  all.insert(all.end(), c->behind.begin(), c->behind.end());
  CHECK(all == order);
}

TEST_CASE("data parallel: parameters without a gradient, somewhere or everywhere") {
  std::mutex mutex;
  std::vector<Tensor> of_spare(2);
  const auto errors = on_ranks(2, [&](auto c) {
    const Net net;
    DataParallel parallel(const_cast<ParameterStore&>(net.store), c, kSmallBuckets);
    parallel.begin();
    backward(mse_loss(net(input(c->rank()), false), target(c->rank())));
    parallel.finish();
    KIN_CHECK(!net.spare.weight.grad() && net.first.weight.grad(), "used nowhere: no gradient");
    net.store.zero_grad();
    parallel.begin();
    backward(mse_loss(net(input(0), c->rank() == 1), target(0)));
    parallel.finish();
    const std::lock_guard lock(mutex);
    of_spare[size_t(c->rank())] = net.spare.weight.grad().clone();
  });
  for (const auto& e : errors) CHECK(e == "");
  const Net net;
  backward(mse_loss(net(input(0)), target(0)));
  for (const Tensor& g : of_spare) CHECK(std::memcmp(g.raw(), net.spare.weight.grad().raw(), g.bytes()) == 0);
}

TEST_CASE("data parallel: gradients taken by grad() start nothing; a pass too few is made up for; the step after an error starts clean") {
  const Net net, plain;
  DataParallel parallel(const_cast<ParameterStore&>(net.store), local_communicators(1)[0], kSmallBuckets);
  const auto loss = [](const Net& n, int batch) { return mse_loss(n(input(batch)), target(batch)); };
  parallel.begin(1, 2);
  grad(loss(net, 7), net.store.trainable_vars());
  backward(loss(net, 0));
  parallel.begin(3);
  net.store.zero_grad();
  backward(loss(net, 1));
  backward(loss(net, 2));
  parallel.finish();
  backward(loss(plain, 1));
  backward(loss(plain, 2));
  for (const auto& p : plain.store.parameters()) {
    const Tensor a = net.store.param(p.name).grad(), b = p.var.grad();
    CHECK_MESSAGE(std::memcmp(a.raw(), b.raw(), b.bytes()) == 0, p.name);
  }
  CHECK_THROWS_AS(parallel.finish(), Error);
  parallel.begin();
  backward(loss(net, 3));
  CHECK_THROWS_WITH_AS(backward(loss(net, 3)), "data_parallel: more than the 1 backward passes that were announced", Error);
}

TEST_CASE("data parallel: other parameters and drifted weights are told apart by rank") {
  const auto shapes = on_ranks(2, [](auto c) {
    ParameterStore store;
    const Linear layer(store.root() / "x", 3, 4 + c->rank());
    DataParallel parallel(store, c);
  });
  for (const auto& e : shapes) CHECK(e == "data_parallel: rank 1 has other parameters than rank 0");
  const auto drift = on_ranks(3, [](auto c) {
    const Net net;
    DataParallel parallel(const_cast<ParameterStore&>(net.store), c);
    parallel.check_equal();
    if (c->rank() == 2) Tensor(net.last.bias.value()).fill_(1);
    parallel.check_equal();
  });
  for (const auto& e : drift) CHECK(e == "data_parallel: the weights of rank 2 are not those of rank 0");
}

TEST_CASE("data parallel: BatchNorm with everybody's statistics is BatchNorm of the whole batch") {
  const auto x = [](int n) { return random_normal({n, 3, 3, 2}, 4, 2, 8, "x", 0, DType::f64); };
  const Tensor weights = random_normal({6, 3, 3, 2}, 0, 1, 8, "weights", 0, DType::f64);
  struct Result {
    Tensor gx, ggamma, mean, var;
  };
  // The gradient of a function of y that is not the same everywhere.
  const auto run = [&](const BatchNorm2d& norm, const Tensor& part, const Tensor& w) {
    const Var v(part, true);
    backward(sum(square(norm(v)) * w));
    return Result{v.grad(), norm.weight.grad(), norm.running_mean, norm.running_var};
  };
  const auto make = [] { return std::make_unique<ParameterStore>(StoreOptions{.dtype = DType::f64}); };
  const auto whole_store = make();
  const Result whole = run(BatchNorm2d(whole_store->root(), 2), x(6), weights);
  const auto close = [](const Tensor& a, const Tensor& b, const char* what) {
    for (int64_t i = 0; i < b.numel(); ++i)
      KIN_CHECK(std::abs(a.item(i) - b.item(i)) <= 1e-12 * (1 + std::abs(b.item(i))), what, " ", i, ": ", a.item(i), " and ", b.item(i));
  };
  const auto errors = on_ranks(3, [&](auto c) {
    const auto store = make();
    const BatchNorm2d norm(store->root(), 2);
    DataParallel parallel(*store, c);
    const SyncBatchNorm sync(c);
    parallel.begin();
    const int r = c->rank();
    const Result mine = run(norm, x(6).rows(2 * r, 2 * r + 2), weights.rows(2 * r, 2 * r + 2));
    parallel.finish();
    close(mine.gx, whole.gx.rows(2 * r, 2 * r + 2), "gradient of x");
    close(norm.weight.grad(), whole.ggamma, "gradient of gamma");
    close(mine.mean, whole.mean, "running mean");
    close(mine.var, whole.var, "running variance");
  });
  for (const auto& e : errors) CHECK(e == "");
}
