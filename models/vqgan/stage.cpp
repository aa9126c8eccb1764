#include "models/vqgan/stage.h"

#include "autograd/engine.h"
#include "autograd/ops/binary.h"

namespace kintsugi {

StepReport stage1_generator_step(const VQAutoEncoder& net, const Discriminator* discriminator, const Tensor& gt,
                                 int64_t iteration, const Stage1Options& options) {
  StepReport report;
  const VQAutoEncoder::Output out = net(gt);
  const Var& last_layer = std::get<Conv2d>(net.generator.blocks.back()).weight;
  const bool gan = discriminator && iteration > options.net_d_start_iter;
  const Var image = image_objective(out.image, gt, gan ? discriminator : nullptr, last_layer, options.image, report);
  const Var codebook = out.quantized.loss * options.codebook_weight;
  report.add("l_codebook", codebook.item());
  backward(image + codebook);
  return report;
}

}  // namespace kintsugi
