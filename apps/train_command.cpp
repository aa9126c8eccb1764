#include "apps/train_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/exit_codes.h"
#include "apps/train/train.h"

namespace kintsugi {

int run_train(const TrainCommand& c) {
  const Recipe recipe = read_recipe(c.recipe, c.set);
  if (c.print) {
    fmt::print("{}", resolved(recipe));
    return kDone;
  }
  TrainOptions options{.quiet = c.quiet};
  if (!c.stages.empty()) {
    options.first_stage = *std::min_element(c.stages.begin(), c.stages.end());
    options.last_stage = *std::max_element(c.stages.begin(), c.stages.end());
  }
  const TrainResult r = train(recipe, options);
  const Validation& v = r.validation;
  if (!v.restored.empty()) {
    fmt::print("degraded {:.2f} dB PSNR, {:.3f} SSIM", v.degraded.psnr, v.degraded.ssim);
    for (size_t i = 0; i < v.ws.size(); ++i) fmt::print("; w = {}: {:.2f} dB, {:.3f}", v.ws[i], v.restored[i].psnr, v.restored[i].ssim);
    fmt::print("\ncodes predicted: {:.1f}% (nearest neighbour: {:.1f}%)\n", 100 * v.code_accuracy, 100 * v.nearest_accuracy);
  }
  fmt::print("{}  hash {:016x}\n", r.checkpoint, r.hash);
  return kDone;
}

}  // namespace kintsugi
