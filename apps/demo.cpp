#include "apps/demo.h"

#include <fmt/format.h>

#include "apps/cli/exit_codes.h"
#include "apps/cli/progress.h"
#include "apps/recipes.h"
#include "apps/train/train.h"
#include "kernels/base/elapsed.h"
#include "kernels/base/error.h"

namespace kintsugi {

int run_demo(const DemoOptions& o) {
  const Elapsed time;
  const Recipe recipe = read_recipe_text(demo_recipe(), "demo.toml", {"out=" + o.out, fmt::format("seed={}", o.seed)});
  if (!o.quiet) fmt::print(stderr, "Training a small CodeFormer on {} drawn faces of {} pixels, on {}. Everything lands in {}/.\n",
                           recipe.data.identities, recipe.data.size, text(o.device), recipe.out);
  const TrainResult r = train(recipe, {.quiet = o.quiet, .device = o.device, .overwrite = true});
  const Validation& v = r.validation;
  fmt::print("\n{} held-out faces        PSNR      SSIM\n", recipe.data.validation);
  fmt::print("  degraded            {:6.2f} dB   {:.3f}\n", v.degraded.psnr, v.degraded.ssim);
  for (size_t i = 0; i < v.ws.size(); ++i) fmt::print("  restored, w = {:<3}   {:6.2f} dB   {:.3f}\n", v.ws[i], v.restored[i].psnr, v.restored[i].ssim);
  fmt::print("codes of the clean face predicted from the degraded one: {:.1f}% (nearest neighbour: {:.1f}%)\n", 100 * v.code_accuracy, 100 * v.nearest_accuracy);
  fmt::print("sheet       {}/sheet.png   (degraded | w=0 | w=0.5 | w=1 | truth)\n", recipe.out);
  fmt::print("checkpoint  {}   hash {:016x}\n", r.checkpoint, r.hash);
  fmt::print("took        {}\n\nRestore a face of your own with:  build/kintsugi restore PICTURE --weights {} -o restored.png\n",
             duration(time.seconds()), recipe.out);
  return kDone;
}

}  // namespace kintsugi
