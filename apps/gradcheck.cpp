#include "apps/gradcheck.h"

#include <fmt/format.h>

#include "apps/parity/network.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/shape.h"
#include "models/backbones/vgg.h"
#include "models/codeformer/codeformer.h"
#include "models/vqgan/discriminator.h"
#include "tensor/random.h"

namespace kintsugi {
namespace {

constexpr double kTolerance = 1e-6;

/// All outputs in one vector: gradcheck projects it.
Var joined(const Vars& outputs) {
  Vars flat;
  for (const Var& v : outputs) flat.push_back(reshape(v, {v.numel()}));
  return concat(std::span<const Var>(flat), 0);
}

/// A network under test: its parameters, an input image that is checked too, and what is projected.
struct Subject {
  ParameterStore store{{.dtype = DType::f64, .initialise = false}};
  Var image;

  /// Generic weights: norms that are not 1, position embeddings that are not 0.
  void fill(int64_t batch, int64_t pixels, uint64_t seed) {
    parity::fill_by_formula(store, fmt::format("gradcheck/{}", seed), "");
    for (const auto& p : store.parameters()) Var(p.var).set_needs_grad(true);
    image = Var(random_uniform({batch, pixels, pixels, 3}, -1, 1, seed, "gradcheck/image", 0, DType::f64), true);
  }
  std::vector<GradcheckRow> check(const std::function<Var()>& outputs, uint64_t seed) const {
    ParameterList inputs = store.parameters();
    inputs.push_back({"(image)", image});
    return gradcheck(outputs, inputs, {.seed = seed});
  }
};

// Images of the small networks: img_size only names the levels, and every fully convolutional part takes any even size.
constexpr int64_t kSmallPixels = 12;
constexpr int64_t kFullPixels = 64;

VqganArgs vqgan_args(bool full) {
  if (full) return {.img_size = kFullPixels, .attn_resolutions = {2}};
  return {.img_size = 16, .nf = 32, .ch_mult = {1, 2}, .res_blocks = 1, .attn_resolutions = {8}, .codebook_size = 16, .emb_dim = 8};
}

std::vector<GradcheckRow> check_vqgan(bool full, uint64_t seed) {
  Subject s;
  const VQAutoEncoder net(s.store.root(), vqgan_args(full));
  s.fill(1, full ? kFullPixels : kSmallPixels, seed);
  return s.check(
      [&] {
        const VQAutoEncoder::Output out = net(s.image);
        return joined({out.image, out.quantized.loss});
      },
      seed);
}

/// Image with AdaIN and fusion, logits, and the quantiser on the encoded image (straight-through and codebook loss): every parameter is
/// reached. The codes are left in the graph for the codebook's sake.
std::vector<GradcheckRow> check_codeformer(bool full, uint64_t seed) {
  Subject s;
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
  const CodeFormer net(s.store.root(), args);
  s.fill(1, full ? kFullPixels : kSmallPixels, seed);
  return s.check(
      [&] {
        const CodeFormerOutput out = net(s.image, {.w = 0.7, .detach_16 = false, .adain = true});
        const Quantized q = net.backbone.quantize(out.lq_feat);
        return joined({out.image, out.logits, q.z_q, q.loss});
      },
      seed);
}

std::vector<GradcheckRow> check_discriminator(bool full, uint64_t seed) {
  Subject s;
  const Discriminator net(s.store.root(), full ? DiscriminatorArgs{} : DiscriminatorArgs{.ndf = 8, .n_layers = 2});
  s.fill(2, full ? kFullPixels : 20, seed);
  return s.check([&] { return net(s.image); }, seed);
}

std::vector<GradcheckRow> check_vgg(bool full, uint64_t seed) {
  Subject s;
  const std::string last = full ? "relu5_4" : "relu3_4";
  const Vgg net(s.store.root(), VggDepth::vgg19, VggNames::layers, last);
  s.fill(1, full ? 32 : 8, seed);
  return s.check([&] { return net(imagenet_normalize(s.image), {last}).at(last); }, seed);
}

double report(const char* model, const std::vector<GradcheckRow>& rows, std::ostream& out) {
  for (const GradcheckRow& r : rows)
    out << fmt::format("{:<14} {:<56} {:>15.8e} {:>15.8e} {:>9.2e}  {}\n", model, r.name, r.analytic, r.numeric, r.error,
                       r.error <= kTolerance ? "yes" : "NO");
  const double worst = worst_error(rows);
  out << fmt::format("{}: {} tensors, worst relative error {:.2e}\n", model, rows.size(), worst) << std::flush;
  return worst;
}

}  // namespace

int run_gradcheck(const GradcheckCommand& command, std::ostream& out) {
  if (command.size != "small" && command.size != "full")
    throw UsageError(text("gradcheck: size must be small or full, got ", command.size));
  const std::pair<const char*, std::vector<GradcheckRow> (*)(bool, uint64_t)> models[] = {
      {"vqgan", check_vqgan}, {"codeformer", check_codeformer}, {"discriminator", check_discriminator}, {"vgg", check_vgg}};
  bool known = false, held = true;
  for (const auto& [name, check] : models) {
    if (command.model != "all" && command.model != name) continue;
    if (!known) out << fmt::format("{:<14} {:<56} {:>15} {:>15} {:>9}  ok\n", "model", "tensor", "backward", "differences", "error");
    known = true;
    held &= report(name, check(command.size == "full", command.seed), out) <= kTolerance;
  }
  if (!known) throw UsageError(text("gradcheck: model must be vqgan, codeformer, discriminator, vgg or all, got ", command.model));
  return held ? 0 : 4;
}

}  // namespace kintsugi
