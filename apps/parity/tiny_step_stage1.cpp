// tiny_step_stage1: one step of VQGAN training with discriminator, LPIPS and the adaptive weight.
#include "apps/parity/step_case.h"
#include "apps/parity/tiny_nets.h"
#include "models/losses/lpips.h"
#include "models/vqgan/stage.h"

namespace kintsugi::parity {
namespace {

constexpr int64_t kIteration = 30002;
const VqganArgs kArgs{.img_size = 64, .nf = 32, .ch_mult = {1, 1, 2}, .res_blocks = 1, .codebook_size = 64, .emb_dim = 32};

void run(const GoldenFile& golden, Check& check, DType dtype) {
  const StoreOptions empty{.dtype = dtype, .initialise = false};
  ParameterStore g(empty), d(empty), judge(empty);
  const VQAutoEncoder net(g.root(), kArgs);
  const Discriminator discriminator(d.root(), kTinyDiscriminator);
  const LpipsLoss lpips(judge.root());
  fill_by_formula(g, golden.salt(), "tiny_s1/");
  fill_by_formula(d, golden.salt(), "tiny_s1_d/");
  fill_by_formula(judge, golden.salt(), "lpips/");
  check_inputs(golden, check, "tiny_s1/", {"gt"});

  Json names;
  for (const char* key : {"loss_names", "grad_g_names", "grad_d_names"}) names[key] = golden.metadata(key);
  const Tensor gt = golden.read("gt", nchw).to(dtype);
  Stage1Options options;
  options.image.perceptual = lpips.as_image_loss();
  run_step(golden, check, "", names, {g, "tiny_s1/", &d, &discriminator, "tiny_s1_d/"}, gt, {.lr = 7e-5, .ema_decay = 0.995},
           [&] { return stage1_generator_step(net, &discriminator, gt, kIteration, options); });
}

const ParityRegistration registration(single_case("tiny_step_stage1", [](const GoldenFile& golden, Check& check) {
  network_run([&](Check& c, DType dtype) { run(golden, c, dtype); })(check);
}));

}  // namespace
}  // namespace kintsugi::parity
