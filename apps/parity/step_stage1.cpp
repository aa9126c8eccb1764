// tiny_step_stage1 and vqgan_full_step: one step of VQGAN training with discriminator, LPIPS and the adaptive weight. The full-size file also
// keeps what the quantiser saw, and the VGG19 loss between the step's image and the clean one.
#include "apps/parity/golden_image.h"
#include "apps/parity/step_case.h"
#include "apps/parity/tiny_nets.h"
#include "autograd/engine.h"
#include "autograd/ops/shape.h"
#include "models/losses/lpips.h"
#include "models/vqgan/stage.h"

namespace kintsugi::parity {
namespace {

constexpr int64_t kIteration = 30002;

struct Stage1Nets {
  VqganArgs g;
  DiscriminatorArgs d;
  std::string g_prefix, d_prefix;
};
const Stage1Nets kTiny{{.img_size = 64, .nf = 32, .ch_mult = {1, 1, 2}, .res_blocks = 1, .codebook_size = 64, .emb_dim = 32},
                       kTinyDiscriminator, "tiny_s1/", "tiny_s1_d/"};
const Stage1Nets kPublished{{}, {}, "", "d/"};

Tensor clean_images(const GoldenFile& golden, DType dtype) {
  return golden.has("gt") ? placed(golden.read("gt", nchw), dtype) : network_input(golden.read("input_u8"), dtype);
}

void check_quantizer(const GoldenFile& golden, Check& check, const VQAutoEncoder& net, const Tensor& gt) {
  const NoGrad no_grad;
  const Var z = net.encoder(gt);
  const Quantized q = net.quantize(z);
  check.values("z", z.value(), golden.read("z"), tolerance::network, nchw);
  check.exact("indices", q.indices.reshape(golden.shape("indices")), golden.read("indices"));
  const double stats[] = {q.loss.item(), q.perplexity(), q.mean_distance.item()};  // in the order of quant_stats_names
  for (int i = 0; i < 3; ++i)
    check.number("quant_stats " + strings(golden.metadata("quant_stats_names")).at(size_t(i)), stats[i],
                 golden.read("quant_stats").item(i), tolerance::network);
}

void step(const GoldenFile& golden, Check& check, DType dtype, const Stage1Nets& nets) {
  const StoreOptions empty{.dtype = dtype, .initialise = false, .device = run_device(dtype)};
  ParameterStore g(empty), d(empty), judge(empty);
  const VQAutoEncoder net(g.root(), nets.g);
  const Discriminator discriminator(d.root(), nets.d);
  const LpipsLoss lpips(judge.root());
  fill_by_formula(g, golden.salt(), nets.g_prefix);
  fill_by_formula(d, golden.salt(), nets.d_prefix);
  fill_by_formula(judge, golden.salt(), "lpips/");
  if (golden.has("gt")) check_inputs(golden, check, nets.g_prefix, {"gt"});
  else g.recompute();

  Json names;
  for (const char* key : {"loss_names", "grad_g_names", "grad_d_names"}) names[key] = golden.metadata(key);
  const Tensor gt = clean_images(golden, dtype);
  if (golden.has("z")) check_quantizer(golden, check, net, gt);
  Stage1Options options;
  options.image.perceptual = lpips.as_image_loss();
  run_step(golden, check, "", names, {g, nets.g_prefix, &d, &discriminator, nets.d_prefix}, gt, {.lr = 7e-5, .ema_decay = 0.995},
           [&] { return stage1_generator_step(net, &discriminator, gt, kIteration, options); });
}

/// Between the stored image of the step and the clean one, so that the step's own error does not enter.
void vgg19(const GoldenFile& golden, Check& check, DType dtype) {
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const PerceptualLoss perceptual(store.root(), {.range_norm = true});
  fill_by_formula(store, golden.salt(), "vgg19/");
  const Var image(placed(golden.read("output", nchw), dtype), true);
  const Var loss = perceptual.as_image_loss()(image, clean_images(golden, dtype));
  check.number("vgg19_loss", loss.item(), golden.number("vgg19_loss"), tolerance::network);
  const Tensor gradient = grad(loss, {image})[0].value();
  const Tensor patch = golden.read("vgg19_grad_output_patch"), row = golden.read("vgg19_grad_output_table");
  const int64_t size = patch.dim(2), top = (gradient.dim(1) - size) / 2, left = (gradient.dim(2) - size) / 2;  // the centre
  check.l2("vgg19_grad_output_patch", narrow(narrow(gradient, 1, top, size), 2, left, size).value(), patch, tolerance::gradient, nchw);
  check_table(check, "vgg19_grad_output_table",
              {{"output", summarise(gradient, golden.salt(), "full/vgg19_grad_output", nchw), {row.item(0), row.item(1)}}});
}

ParityCase in_f32(std::string name, std::function<void(Check&, DType)> run) { return {std::move(name), network_run(std::move(run))}; }

const ParityRegistration registrations[] = {
    ParityRegistration({"tiny_step_stage1", [](const GoldenFile& golden) -> std::vector<ParityCase> {
      return {in_f32("", [&golden](Check& check, DType dtype) { step(golden, check, dtype, kTiny); })};
    }}),
    ParityRegistration({"vqgan_full_step", [](const GoldenFile& golden) -> std::vector<ParityCase> {
      return {in_f32("step", [&golden](Check& check, DType dtype) { step(golden, check, dtype, kPublished); }),
              in_f32("vgg19", [&golden](Check& check, DType dtype) { vgg19(golden, check, dtype); })};
    }})};

}  // namespace
}  // namespace kintsugi::parity
