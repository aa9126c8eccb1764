#include "models/vqgan/stage.h"

#include "autograd/engine.h"
#include "autograd/ops/binary.h"

namespace kintsugi {
namespace {
const Var& last_layer(const VQAutoEncoder& net) { return std::get<Conv2d>(net.generator.blocks.back()).weight; }
}  // namespace

StepReport stage1_generator_step(const VQAutoEncoder& net, const Discriminator* discriminator, const Tensor& gt,
                                 int64_t iteration, const Stage1Options& options) {
  StepReport report;
  const VQAutoEncoder::Output out = net(gt);
  report.codes = out.quantized.indices;
  const bool gan = discriminator && iteration > options.net_d_start_iter;
  const Var image = image_objective(out.image, gt, gan ? discriminator : nullptr, last_layer(net), options.image, report);
  const Var codebook = out.quantized.loss * options.codebook_weight;
  report.add("l_codebook", codebook);
  backward(image + codebook);
  return report;
}

AdaptiveGradients stage1_adaptive_gradients(const VQAutoEncoder& net, const Discriminator& discriminator, const Tensor& gt,
                                            const Stage1Options& options) {
  return image_gradients(net(gt).image, gt, discriminator, last_layer(net), options.image);
}

}  // namespace kintsugi
