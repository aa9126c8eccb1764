#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "autograd/engine.h"
#include "kernels/base/parallel.h"
#include "optim/optimizer.h"
#include "tensor/random.h"
#include "tests/harness/golden.h"

using namespace kintsugi;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0, scale = 1e-30;
  for (int64_t i = 0; i < b.numel(); ++i) {
    worst = std::max(worst, std::fabs(a.item(i) - b.item(i)));
    scale = std::max(scale, std::fabs(b.item(i)));
  }
  return worst / scale;
}

bool same_bits(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

Tensor noise(Shape shape, const char* what, uint64_t step = 0) { return random_normal(shape, 0, 1, 3, what, step); }

ParameterList two_parameters() {
  return {{"a", Var(noise({7, 5}, "a"), true)}, {"b", Var(noise({11}, "b"), true)}};
}

void give_gradients(const ParameterList& parameters, uint64_t step) {
  for (const auto& p : parameters) p.var.set_grad(noise(p.var.shape(), ("gradient of " + p.name).c_str(), step));
}

struct Recorded {
  const char* name;
  double lr;
  std::function<std::unique_ptr<Optimizer>(ParameterList)> make;
  std::vector<const char*> state;
};

std::function<std::unique_ptr<Optimizer>(ParameterList)> adam(AdamOptions o) {
  return [o](ParameterList p) { return std::make_unique<Adam>(std::move(p), o); };
}

}  // namespace

TEST_CASE("optimisers take the recorded steps") {
  const auto golden = open_golden("ops_optim.safetensors");
  if (!golden) return;
  const std::vector<Recorded> cases = {
      {"adam", 7e-5, adam({.beta2 = 0.99}), {"exp_avg", "exp_avg_sq"}},
      {"adam_lr_large", 1e-2, adam({}), {"exp_avg", "exp_avg_sq"}},
      {"adam_wd", 1e-3, adam({.weight_decay = 0.1}), {"exp_avg", "exp_avg_sq"}},
      {"adamw", 1e-3, adam({.beta2 = 0.95, .weight_decay = 0.05, .decoupled = true}), {"exp_avg", "exp_avg_sq"}},
      {"sgd_momentum", 1e-2,
       [](ParameterList p) { return std::make_unique<Sgd>(std::move(p), SgdOptions{.momentum = 0.9, .weight_decay = 5e-4}); },
       {"momentum_buffer"}},
  };
  for (const DType dtype : {DType::f64, DType::f32})
    for (const auto& c : cases) {
      const double tolerance = dtype == DType::f64 ? 1e-14 : 2e-6;  // the recorded program in f32 differs from itself by 3e-7
      const auto stored = [&](const std::string& name) { return golden->read(std::string(c.name) + "/" + name); };
      ParameterList parameters;
      for (const char* name : {"a", "b", "c"}) parameters.push_back({name, Var(stored(std::string(name) + "_before").to(dtype).clone(), true)});
      const auto optimizer = c.make(parameters);
      for (int step = 0; step < 5; ++step) {
        for (const auto& p : parameters) p.var.set_grad(stored(text("g", step, "_", p.name)).to(dtype));
        optimizer->step({c.lr});
        INFO(c.name, " ", dtype, " step ", step + 1);
        for (const auto& p : parameters)
          CHECK(largest_difference(p.var.value(), stored(text(p.name, "_after", step + 1))) <= tolerance);
      }
      for (const auto& [name, tensor] : optimizer->state())
        for (const char* what : c.state)
          for (const auto& p : parameters)
            if (name == p.name + "." + what) CHECK(largest_difference(tensor, stored(p.name + "_" + what)) <= tolerance);
    }
}

TEST_CASE("moving average: recorded values") {
  const auto golden = open_golden("ops_optim.safetensors");
  if (!golden) return;
  const Var p(golden->read("ema/start").clone(), true);
  Ema ema({{"p", p}}, 0.995);
  for (int step = 0; step < 5; ++step) {
    Tensor(p.value()).copy_(golden->read(text("ema/p", step)));
    ema.update();
    CHECK(largest_difference(ema.averages()[0].second, golden->read(text("ema/after", step + 1))) <= 1e-15);
  }
}

TEST_CASE("moving average: the fused pass equals the separate one, and reaches parameters the optimiser leaves alone") {
  auto run = [](bool fused) {
    ParameterList parameters = two_parameters(), all = parameters;
    all.push_back({"frozen", Var(noise({3}, "frozen"))});
    Ema ema(all, 0.9);
    Adam optimizer(parameters);
    for (uint64_t step = 0; step < 3; ++step) {
      give_gradients(parameters, step);
      if (step == 1) parameters[1].var.zero_grad();
      Tensor(all[2].var.value()).fill_(double(step));
      optimizer.step({.lr = 0.1, .ema = fused ? &ema : nullptr});
      if (!fused) ema.update();
    }
    return ema.averages();
  };
  const auto fused = run(true), separate = run(false);
  for (size_t i = 0; i < 3; ++i) CHECK(same_bits(fused[i].second, separate[i].second));
}

TEST_CASE("adam in parts: the numbers are read when the work runs; what is not finite changes nothing") {
  const AdamOptions options{.beta2 = 0.99, .weight_decay = 0.1, .decoupled = true};
  for (const Device device : {Device{}, Device{DeviceKind::sim, 0}}) {
    const auto parameters = [&] {
      ParameterList list;
      for (const auto& [name, n] : {std::pair{"a", 37}, {"b", 8}, {"none", 5}}) list.push_back({name, Var(noise({n}, name).to(device), true)});
      for (size_t i = 0; i < 2; ++i) list[i].var.set_grad(noise(list[i].var.shape(), "g").to(device));
      return list;
    };
    const ParameterList whole = parameters(), parts = parameters();
    Ema whole_ema(whole, 0.9), parts_ema(parts, 0.9);
    Adam one(whole, options), other(parts, options);
    const Tensor rates({3, 3}, DType::f64, device), verdict({3}, DType::f64, device);
    const auto queue = [&](double finite) {
      Tensor(verdict).copy_(Tensor::of<double>({3}, {1, 0.5, finite}));
      const auto moved = other.queue(rates, verdict, &parts_ema);
      CHECK(moved == std::vector<size_t>{0, 1});
      return moved;
    };
    const auto check_same = [&] {
      for (size_t i = 0; i < whole.size(); ++i) {
        CHECK(same_bits(whole[i].var.value().host(), parts[i].var.value().host()));
        CHECK(same_bits(whole_ema.averages()[i].second.host(), parts_ema.averages()[i].second.host()));
      }
      for (size_t i = 0; i < one.state().size(); ++i) CHECK(same_bits(one.state()[i].second.host(), other.state()[i].second.host()));
    };
    for (const double lr : {1e-2, 3e-3, 5e-2}) {
      Tensor(rates).copy_(other.rates(lr));
      queue(0);
      check_same();
      const uint32_t before = parts[0].var.value().version();
      other.count(queue(1), &parts_ema);
      CHECK(parts[0].var.value().version() > before);
      one.step({.lr = lr, .grad_scale = 0.5, .ema = &whole_ema});
      check_same();
    }
    CHECK(!same_bits(whole[0].var.value().host(), noise({37}, "a")));
  }
}

TEST_CASE("the averages take the parameters' place for a while") {
  const ParameterList parameters = two_parameters();
  Ema ema(parameters, 0.5);
  const Tensor average = ema.averages()[0].second.clone();
  Tensor(parameters[0].var.value()).fill_(3);
  {
    EmaWeights weights(ema);
    CHECK(same_bits(parameters[0].var.value(), average));
  }
  CHECK(parameters[0].var.value().item(0) == 3);
  CHECK(same_bits(ema.averages()[0].second, average));
}

TEST_CASE("a saved state continues bit by bit") {
  for (const bool use_adam : {true, false}) {
    const auto make = [&](ParameterList p) -> std::unique_ptr<Optimizer> {
      if (use_adam) return std::make_unique<Adam>(std::move(p), AdamOptions{.weight_decay = 0.01, .decoupled = true});
      return std::make_unique<Sgd>(std::move(p), SgdOptions{.momentum = 0.9});
    };
    ParameterList first = two_parameters();
    const auto optimizer = make(first);
    for (uint64_t step = 0; step < 2; ++step) {
      give_gradients(first, step);
      optimizer->step({0.1});
    }
    ParameterList second;
    for (const auto& p : first) second.push_back({p.name, Var(p.var.value().clone(), true)});
    NamedTensors saved;
    for (const auto& [name, tensor] : optimizer->state()) saved.emplace_back(name, tensor.clone());
    const auto resumed = make(second);
    resumed->load_state(saved);
    for (uint64_t step = 2; step < 4; ++step)
      for (const auto& [list, o] : {std::pair{&first, optimizer.get()}, std::pair{&second, resumed.get()}}) {
        give_gradients(*list, step);
        o->step({0.05});
      }
    for (size_t i = 0; i < first.size(); ++i) CHECK(same_bits(first[i].var.value(), second[i].var.value()));

    saved.pop_back();
    CHECK_THROWS_WITH_AS(resumed->load_state(saved), doctest::Contains("is missing"), Error);
  }
}

TEST_CASE("a step changes the version, so that a graph recorded before it cannot be walked with new weights") {
  const Var p(noise({4}, "p"), true);
  const auto before = p.value().version();
  p.set_grad(noise({4}, "g"));
  Sgd({{"p", p}}).step({0.1});
  CHECK(p.value().version() > before);
}

TEST_CASE("global norm and clipping") {
  const ParameterList parameters = two_parameters();
  CHECK(global_grad_norm(parameters) == 0);
  give_gradients(parameters, 0);
  double squares = 0;
  for (const auto& p : parameters)
    for (int64_t i = 0; i < p.var.numel(); ++i) squares += p.var.grad().item(i) * p.var.grad().item(i);
  CHECK(global_grad_norm(parameters) == doctest::Approx(std::sqrt(squares)).epsilon(1e-14));
  CHECK(clip_factor(0.5, 1) == 1);
  CHECK(clip_factor(4, 1) == 1 / (4 + 1e-6));
  CHECK_THROWS_WITH_AS(clip_factor(1, 0), doctest::Contains("max_norm"), Error);

  const ParameterList large = {{"large", Var(noise({300, 301}, "large"), true)}};
  give_gradients(large, 1);
  const int before = threads();
  set_threads(1);
  const double one = global_grad_norm(large);
  set_threads(3);
  CHECK(global_grad_norm(large) == one);
  set_threads(before);

  // Scaling inside the step is scaling the gradient.
  ParameterList a = two_parameters(), b = two_parameters();
  give_gradients(a, 5);
  give_gradients(b, 5);
  for (const auto& p : b) {
    Tensor g = p.var.grad().clone();
    for (float& v : g.span<float>()) v *= 0.25f;
    p.var.set_grad(g);
  }
  Sgd(a).step({.lr = 0.1, .grad_scale = 0.25});
  Sgd(b).step({.lr = 0.1});
  for (size_t i = 0; i < a.size(); ++i) CHECK(same_bits(a[i].var.value(), b[i].var.value()));
}

TEST_CASE("optimisers refuse") {
  const Var p(noise({2}, "p"), true);
  CHECK_THROWS_WITH_AS(Adam({{"p", p}, {"p", p}}), doctest::Contains("'p' is given twice"), Error);
  CHECK_THROWS_WITH_AS(Adam({{"q", Var()}}), doctest::Contains("'q' must be a leaf"), Error);
  CHECK_THROWS_WITH_AS(Adam({{"p", p}}, {.beta1 = 1}), doctest::Contains("betas"), Error);
  CHECK_THROWS_WITH_AS(Sgd({{"p", p}}, {.momentum = -1}), doctest::Contains("momentum"), Error);
  CHECK_THROWS_WITH_AS(Ema({{"p", p}}, 2), doctest::Contains("decay"), Error);
}
