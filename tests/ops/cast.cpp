// Rounding to bf16 and back. The samples' run is the round trip, whose derivative is taken as that of the identity.
#include "autograd/ops/cast.h"

#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "kernels/base/device_graph.h"
#include "kernels/cast.h"
#include "nn/compute.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

// f64 has nothing to be cast from on a GPU; there and back is exact in either direction that is not through bf16.
const OpCaseRegistration cases[] = {OpCaseRegistration({
    .op = "cast", .families = {"cast_fwd"},
    .samples = {{"ragged", {{3, 5, 7}}}, {"long", {{5003}}}, {"one", {{1}}}, {"aligned", {{64, 32}}}},
    // In f64 the identity; in f32 there and back through bf16, which errs by 2^-9 at most.
    .run = [](const Vars& x, const Sample&) { return x[0].dtype() == DType::f64 ? cast(cast(x[0], DType::f64), DType::f64) : cast(cast(x[0], DType::bf16), x[0].dtype()); },
    .f32_tolerance = 0x1p-8, .f32_grad_tolerance = 0x1p-8,
    .errors = {{"type", [] { cast(Tensor::zeros({2}), DType::i64); }, {"cast: only f32, f64 and bf16 become one another", "i64"}}}})};

}  // namespace

TEST_CASE("cast: every bf16 survives, halves go to even, and rows agree bit for bit") {
  // All 65,536 bit patterns as f32, and the points halfway to the next.
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 65536; ++bits)
    for (uint32_t half : {0u, 0x8000u}) values.push_back(std::bit_cast<float>(bits << 16 | half));
  const Tensor x = Tensor::of<float>({int64_t(values.size())}, values);
  for (const auto& row : cast_fwd.rows()) {
    INFO(row.name, " on ", std::string(name(row.where)));
    if (row.where == DeviceKind::cuda) continue;
    std::vector<bf16> y(values.size());
    row.run({{row.where, 0}, nullptr}, {x.raw(), y.data(), x.numel(), DType::f32, DType::bf16});
    std::vector<float> back(values.size());
    row.run({{row.where, 0}, nullptr}, {y.data(), back.data(), x.numel(), DType::bf16, DType::f32});
    bool right = true;
    for (size_t i = 0; i < values.size(); ++i) {
      right &= y[i].bits == bf16(values[i]).bits;
      right &= std::bit_cast<uint32_t>(back[i]) == uint32_t(y[i].bits) << 16;
      if (i % 2 == 0 && values[i] == values[i]) right &= back[i] == values[i];
    }
    CHECK(right);
  }
}

TEST_CASE("cast: gradients come back in the leaf's type, and a parameter's copy lasts until it changes") {
  const Device sim{DeviceKind::sim, 0};
  const Var w(random_normal({3, 8}, 0, 1, 5, "w").to(sim), true);
  const Var a = cast_parameter(w, DType::bf16), b = cast_parameter(w, DType::bf16);
  CHECK(a.dtype() == DType::bf16);
  CHECK(a.value().shares_memory_with(b.value()));
  backward(sum(cast(a * 2.0, DType::f32)));
  CHECK(w.grad().dtype() == DType::f32);
  CHECK(w.grad().item(7) == 2);
  Tensor value = w.value();
  value.fill_(0.25);
  const Var changed = cast_parameter(w, DType::bf16);
  CHECK(!changed.value().shares_memory_with(a.value()));
  CHECK(changed.value().item(23) == 0.25);
  w.set_value(Tensor::full({3, 8}, 3, DType::f32, sim));
  CHECK(cast_parameter(w, DType::bf16).value().item(0) == 3);
  CHECK(cast(w, DType::f32).value().shares_memory_with(w.value()));
  CHECK_THROWS_WITH_AS(cast_parameter(w * 2.0, DType::bf16), doctest::Contains("must be a leaf"), Error);
}

TEST_CASE("cast: a parameter's copy that is made while work is recorded stays with the recording") {
  const Device sim{DeviceKind::sim, 0};
  const Var w(random_normal({3, 8}, 0, 1, 5, "w").to(sim), true);
  const NoGrad off;
  Tensor recorded;
  const DeviceGraph graph(sim, [&] { recorded = cast_parameter(w, DType::bf16).value(); });
  const Tensor now = cast_parameter(w, DType::bf16).value();  // nothing was launched: a copy kept from the recording would be unwritten
  CHECK(!now.shares_memory_with(recorded));
  for (int64_t i = 0; i < w.numel(); ++i) CHECK(now.item(i) == float(bf16(float(w.value().item(i)))));
  graph.launch();
  for (int64_t i = 0; i < w.numel(); ++i) CHECK(recorded.item(i) == now.item(i));
}

TEST_CASE("cast: while work is recorded a trained parameter's copy is made anew by every launch, a frozen one's is kept") {
  const Device sim{DeviceKind::sim, 0};
  const Var trained(Tensor::full({3, 8}, 1, DType::f32, sim), true), frozen(Tensor::full({3, 8}, 2, DType::f32, sim));
  cast_parameter(trained, DType::bf16);
  const Tensor kept = cast_parameter(frozen, DType::bf16).value();
  Tensor seen, still;
  const DeviceGraph graph(sim, [&] { seen = cast_parameter(trained, DType::bf16).value(), still = cast_parameter(frozen, DType::bf16).value(); });
  CHECK(still.shares_memory_with(kept));
  for (const double value : {0.25, 0.5}) {
    Tensor(trained.value()).fill_(value);
    graph.launch();
    CHECK(seen.item(5) == value);
  }
}
