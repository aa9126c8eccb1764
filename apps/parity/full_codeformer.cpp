// codeformer_full and codeformer_full_grads: the published network on one 512 x 512 face. Names have no prefix.
#include <algorithm>
#include <array>
#include <cmath>

#include "apps/parity/codeformer_walk.h"
#include "apps/parity/formula.h"
#include "apps/parity/golden_image.h"
#include "apps/parity/network.h"
#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/cross_entropy.h"

namespace kintsugi::parity {
namespace {

struct Digest {
  double mean = 0, std = 0, min = INFINITY, max = -INFINITY;
};
Digest digest(const Tensor& t) {
  Digest d;
  const int64_t n = t.numel();
  for (int64_t i = 0; i < n; ++i) {
    const double v = t.item(i);
    d.mean += v / double(n);
    d.min = std::min(d.min, v);
    d.max = std::max(d.max, v);
  }
  for (int64_t i = 0; i < n; ++i) d.std += (t.item(i) - d.mean) * (t.item(i) - d.mean) / double(n);
  d.std = std::sqrt(d.std);
  return d;
}

/// A stored table [blocks,6] of features reduced to mean, biased std, min, max, L2 norm and the dot product with "feat/<name>#probe". The first
/// four are held against the largest value, as whole features are; the last two against the norm.
class FeatureTable {
 public:
  FeatureTable(const GoldenFile& golden, std::string tensor, const std::string& names_key)
      : tensor_(std::move(tensor)), salt_(golden.salt()), rows_(golden.read(tensor_)), names_(strings(golden.metadata(names_key))) {
    KIN_CHECK(rows_.shape() == Shape({int64_t(names_.size()), 6}), "parity: ", names_.size(), " names for the rows of ", tensor_, " ", rows_);
  }

  void see(const std::string& name, const Tensor& y, const Order& order) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) return;
    ++seen_;
    const int64_t row = 6 * (found - names_.begin());
    const Digest d = digest(y);
    const Summary s = summarise(y, salt_, "feat/" + name, order);
    const double got[] = {d.mean, d.std, d.min, d.max, s.norm, s.probe};
    const double largest = std::max(std::abs(rows_.item(row + 2)), std::abs(rows_.item(row + 3))), norm = rows_.item(row + 4);
    for (int64_t c = 0; c < 6; ++c) {
      const double error = std::abs(got[c] - rows_.item(row + c)) / (c < 4 ? largest : norm);
      Worst& worst = worst_[size_t(c)];
      if (!(error <= worst.error)) worst = {error, name};
    }
  }

  void report(Check& check) const {
    static constexpr const char* kColumns[] = {"mean", "std", "min", "max", "norm", "probe"};
    if (seen_ != names_.size()) check.fail(tensor_, text(seen_, " of ", names_.size(), " features exist"));
    for (size_t c = 0; c < 6; ++c) check.row(tensor_ + " " + kColumns[c], "table", worst_[c].error, tolerance::network, worst_[c].name);
  }

 private:
  struct Worst {
    double error = 0;
    std::string name;
  };
  std::string tensor_, salt_;
  Tensor rows_;
  std::vector<std::string> names_;
  size_t seen_ = 0;
  std::array<Worst, 6> worst_;
};

/// A code that differs counts unless the two largest logits are so close that the tolerance of both may turn their order. Returns
/// whether all are the same.
bool check_codes(const GoldenFile& golden, Check& check, const Tensor& got) {
  const Tensor want = golden.read("indices"), margin = golden.read("logit_margin"), logits = golden.read("logits");
  const Digest range = digest(logits);
  const double noise = 2 * tolerance::network * std::max(std::abs(range.min), std::abs(range.max));
  int64_t differing = 0, beyond_noise = 0;
  for (int64_t i = 0; i < want.numel(); ++i) {
    if (got.item(i) == want.item(i)) continue;
    ++differing;
    beyond_noise += !(margin.item(i) <= noise);
  }
  check.row("indices", "exact", double(beyond_noise), 0, differing ? text(differing, " of ", want.numel(), " differ") : "");
  return differing == 0;
}

void check_quantizer(const GoldenFile& golden, Check& check, const CodeFormer& net, const Var& lq_feat) {
  const Quantized q = net.backbone.quantize(lq_feat);
  check.exact("vq_indices", q.indices.reshape(golden.shape("vq_indices")), golden.read("vq_indices"));
  check.number("vq_loss", q.loss.item(), golden.number("vq_loss"), tolerance::network);
  check.number("vq_perplexity", q.perplexity(), golden.number("vq_perplexity"), tolerance::network);
  check.number("vq_mean_distance", q.mean_distance.item(), golden.number("vq_mean_distance"), tolerance::network);
}

void forward(const GoldenFile& golden, Check& check) {
  check.computed_in(DType::f32);
  const NoGrad no_grad;
  ParameterStore store({.initialise = false, .device = run_device(DType::f32)});
  const CodeFormer net(store.root());
  fill_by_formula(store, golden.salt(), "");
  store.eval();
  const Tensor x = network_input(golden.read("input_u8"), DType::f32), indices = golden.read("indices");

  bool same_codes = true;
  for (const char* w : {"0", "0.5", "1"}) {
    const CodeFormerCall call{.w = std::stod(w), .adain = true};
    const CodeFormerOutput out = net(x, call);
    const bool first = call.w == 0;
    if (first) {
      same_codes = check_codes(golden, check, out.indices);
      check.values("logits", out.logits.value(), golden.read("logits"), tolerance::network);
      check.values("lq_feat", out.lq_feat.value(), golden.read("lq_feat"), tolerance::network, nchw);
      check_quantizer(golden, check, net, out.lq_feat);
    }
    FeatureTable features(golden, text("feat_digest_w", w), first ? "feat_digest_rows_w0" : "feat_digest_rows");
    const Tensor painted = walk_codeformer(net, x, call, indices, [&](const std::string& name, const Tensor& y, const Order& order) {
      features.see(name, y, order);
      if (first && golden.has(name)) check.values(name, y, golden.read(name), tolerance::network, order);
    });
    features.report(check);
    // With a code turned by noise the whole call makes another image; what paints it is held to the stored codes all the same.
    check.values(text("out_w", w), same_codes ? out.image.value() : painted, golden.read(text("out_w", w)), tolerance::network, nchw);
  }

  const Digest plain = digest(walk_codeformer(net, x, {.w = 0, .adain = false}, indices, [](const auto&...) {}));
  check.values("out_w0_noadain_digest", Tensor::of<double>({4}, {plain.mean, plain.std, plain.min, plain.max}),
               golden.read("out_w0_noadain_digest"), tolerance::network);
}

void gradients(const GoldenFile& golden, Check& check, DType dtype) {
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const CodeFormer net(store.root());
  fill_by_formula(store, golden.salt(), "");
  store.recompute();
  const Tensor target = formula_classes(golden.salt(), "full/target", golden.shape("target"), net.args.backbone.codebook_size);
  check.exact("target", target, golden.read("target"));

  const Var x(network_input(golden.neighbour("codeformer_full.safetensors").read("input_u8"), dtype), true);
  {
    const CodeFormerOutput out = net(x, {.w = 1, .detach_16 = true, .adain = true});
    const Var image = probed_mean(golden.salt(), "full/out", out.image), codes = cross_entropy(out.logits, target), loss = image + codes;
    check.values("loss", Tensor::of<double>({3}, {image.item(), codes.item(), loss.item()}), golden.read("loss"), tolerance::network);
    backward(loss);
  }
  const Gradients collected = collected_gradients(store), inputs{{"input", x.grad()}};
  const GradientTable table{"grad_table", strings(golden.metadata("grad_table_names"))};
  check_stored_gradients(golden, check, "grad/", table, store, collected, inputs);
  check_gradient_table(golden, check, table, store, "", collected, inputs);
}

const ParityRegistration registrations[] = {
    ParityRegistration(single_case("codeformer_full", forward)),
    ParityRegistration(single_case("codeformer_full_grads", [](const GoldenFile& golden, Check& check) {
      network_run([&](Check& c, DType dtype) { gradients(golden, c, dtype); })(check);
    }))};

}  // namespace
}  // namespace kintsugi::parity
