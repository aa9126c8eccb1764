#include "apps/gradcheck.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/parity/compare.h"
#include "apps/parity/network.h"
#include "autograd/engine.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/shape.h"
#include "models/backbones/vgg.h"
#include "models/codeformer/codeformer.h"
#include "models/vqgan/discriminator.h"
#include "tensor/random.h"

namespace kintsugi {
namespace {

constexpr double kTolerance = 1e-6;  // of differences in f64

/// All outputs in one vector: gradcheck projects it.
Var joined(const Vars& outputs) {
  Vars flat;
  for (const Var& v : outputs) flat.push_back(reshape(v, {v.numel()}));
  return concat(std::span<const Var>(flat), 0);
}

/// A network under test: its parameters, an input image that is checked too, and what is projected.
struct Subject {
  ParameterStore store;
  Var image;

  Subject(DType dtype, Device device) : store({.dtype = dtype, .initialise = false, .device = device}) {}

  /// Generic weights: norms that are not 1, position embeddings that are not 0.
  void fill(int64_t batch, int64_t pixels, uint64_t seed) {
    parity::fill_by_formula(store, fmt::format("gradcheck/{}", seed), "");
    for (const auto& p : store.parameters()) Var(p.var).set_needs_grad(true);
    const Tensor drawn = random_uniform({batch, pixels, pixels, 3}, -1, 1, seed, "gradcheck/image", 0, DType::f64);
    image = Var(drawn.to(store.dtype()).to(store.device()), true);
  }
  ParameterList inputs() const {
    ParameterList all = store.parameters();
    all.push_back({"(image)", image});
    return all;
  }
};

/// Images of the small networks: img_size only names the levels, and every fully convolutional part takes any even size.
struct Size {
  int64_t batch, pixels;
};
constexpr int64_t kSmallPixels = 12;
constexpr int64_t kFullPixels = 64;

/// A kind of network: the image it takes, and how it is built; what is returned gives all outputs in one vector.
using Outputs = std::function<Var(const Var& image)>;
struct Model {
  const char* name;
  Size (*size)(bool full);
  Outputs (*build)(Scope root, bool full);
};

VqganArgs vqgan_args(bool full) {
  if (full) return {.img_size = kFullPixels, .attn_resolutions = {2}};
  return {.img_size = 16, .nf = 32, .ch_mult = {1, 2}, .res_blocks = 1, .attn_resolutions = {8}, .codebook_size = 16, .emb_dim = 8};
}

Outputs build_vqgan(Scope root, bool full) {
  return [net = VQAutoEncoder(root, vqgan_args(full))](const Var& image) {
    const VQAutoEncoder::Output out = net(image);
    return joined({out.image, out.quantized.loss});
  };
}

/// Image with AdaIN and fusion, logits, and the quantiser on the encoded image (straight-through and codebook loss): every parameter is
/// reached. The codes are left in the graph for the codebook's sake.
Outputs build_codeformer(Scope root, bool full) {
  CodeFormerArgs args{.backbone = vqgan_args(full)};
  if (full) {
    args.latent_size = 4;
    args.connect_list = {4, 8, 16, 32};
  } else {
    args.dim_embd = 16;
    args.n_head = 2;
    args.n_layers = 1;
    args.latent_size = kSmallPixels / 2 * (kSmallPixels / 2);
    args.connect_list = {16};
  }
  return [net = CodeFormer(root, args)](const Var& image) {
    const CodeFormerOutput out = net(image, {.w = 0.7, .detach_16 = false, .adain = true});
    const Quantized q = net.backbone.quantize(out.lq_feat);
    return joined({out.image, out.logits, q.z_q, q.loss});
  };
}

Outputs build_discriminator(Scope root, bool full) {
  return [net = Discriminator(root, full ? DiscriminatorArgs{} : DiscriminatorArgs{.ndf = 8, .n_layers = 2})](const Var& image) {
    return joined({net(image)});
  };
}

Outputs build_vgg(Scope root, bool full) {
  const std::string last = full ? "relu5_4" : "relu3_4";
  return [last, net = Vgg(root, VggDepth::vgg19, VggNames::layers, last)](const Var& image) {
    return joined({net(imagenet_normalize(image), {last}).at(last)});
  };
}

const Model kModels[] = {
    {"vqgan", [](bool full) { return Size{1, full ? kFullPixels : kSmallPixels}; }, build_vqgan},
    {"codeformer", [](bool full) { return Size{1, full ? kFullPixels : kSmallPixels}; }, build_codeformer},
    {"discriminator", [](bool full) { return Size{2, full ? kFullPixels : 20}; }, build_discriminator},
    {"vgg", [](bool full) { return Size{1, full ? 32 : 8}; }, build_vgg},
};

std::vector<GradcheckRow> by_differences(const Model& m, bool full, uint64_t seed) {
  Subject s(DType::f64, {});
  const Outputs outputs = m.build(s.store.root(), full);
  s.fill(m.size(full).batch, m.size(full).pixels, seed);
  return gradcheck([&] { return outputs(s.image); }, s.inputs(), {.seed = seed});
}

/// The device computes in f32, where differences say nothing: its gradients are held against those of the CPU in f64, which differences have
/// confirmed. Columns: norms, and the norm of the difference over the norm, not below a thousandth of the largest.
std::vector<GradcheckRow> against_cpu(const Model& m, bool full, uint64_t seed, Device device) {
  const auto gradients = [&](DType dtype, Device where) {
    Subject s(dtype, where);
    const Outputs outputs = m.build(s.store.root(), full);
    s.fill(m.size(full).batch, m.size(full).pixels, seed);
    const Var y = outputs(s.image);
    const Tensor weights = random_normal(y.shape(), 0, 1, seed, "gradcheck/output", 0, DType::f64).to(dtype).to(where);
    Vars wrt;
    std::vector<std::string> names;
    for (const NamedVar& in : s.inputs()) wrt.push_back(in.var), names.push_back(in.name);
    NamedTensors found;
    const Vars grads = grad(y, wrt, Var(weights));
    for (size_t i = 0; i < wrt.size(); ++i)
      found.emplace_back(names[i], grads[i] ? grads[i].value().host().to(DType::f64) : Tensor::zeros(wrt[i].shape(), DType::f64));
    return found;
  };
  const NamedTensors want = gradients(DType::f64, {}), got = gradients(DType::f32, device);
  std::vector<GradcheckRow> rows;
  double largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const auto a = got[i].second.span<double>(), b = want[i].second.span<double>();
    double difference = 0, norm_a = 0, norm_b = 0;
    for (size_t k = 0; k < b.size(); ++k) {
      difference += (a[k] - b[k]) * (a[k] - b[k]);
      norm_a += a[k] * a[k];
      norm_b += b[k] * b[k];
    }
    rows.push_back({want[i].first, std::sqrt(norm_a), std::sqrt(norm_b), std::sqrt(difference)});
    largest = std::max(largest, std::sqrt(norm_b));
  }
  for (GradcheckRow& r : rows) r.error /= std::max(r.numeric, 1e-3 * largest);
  return rows;
}

double report(const char* model, const std::vector<GradcheckRow>& rows, double tolerance, std::ostream& out) {
  for (const GradcheckRow& r : rows)
    out << fmt::format("{:<14} {:<56} {:>15.8e} {:>15.8e} {:>9.2e}  {}\n", model, r.name, r.analytic, r.numeric, r.error,
                       r.error <= tolerance ? "yes" : "NO");
  const double worst = worst_error(rows);
  out << fmt::format("{}: {} tensors, worst relative error {:.2e}\n", model, rows.size(), worst) << std::flush;
  return worst;
}

}  // namespace

int run_gradcheck(const GradcheckCommand& command, std::ostream& out) {
  if (command.size != "small" && command.size != "full")
    throw UsageError(text("gradcheck: size must be small or full, got ", command.size));
  bool known = false, held = true;
  const bool full = command.size == "full", here = command.device.kind == DeviceKind::cpu;
  const double tolerance = here ? kTolerance : parity::tolerance::gradient;
  for (const Model& m : kModels) {
    if (command.model != "all" && command.model != m.name) continue;
    if (!known)
      out << fmt::format("{:<14} {:<56} {:>15} {:>15} {:>9}  ok\n", "model", "tensor", here ? "backward" : text(command.device, " f32"),
                         here ? "differences" : "cpu f64", "error");
    known = true;
    const auto rows = here ? by_differences(m, full, command.seed) : against_cpu(m, full, command.seed, command.device);
    held &= report(m.name, rows, tolerance, out) <= tolerance;
  }
  if (!known) throw UsageError(text("gradcheck: model must be vqgan, codeformer, discriminator, vgg or all, got ", command.model));
  return held ? 0 : 4;
}

}  // namespace kintsugi
