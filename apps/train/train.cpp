#include "apps/train/train.h"

#include "apps/train/loop.h"
#include "apps/train/nets.h"
#include "apps/train/stage.h"

namespace kintsugi {

TrainResult train(const Recipe& recipe, const TrainOptions& options) {
  check_predecessors(recipe, options.first_stage);
  Run run(recipe, options);
  constexpr std::unique_ptr<Stage> (*make[])(Run&) = {make_stage1, make_stage2, make_stage3};
  for (int stage = options.first_stage; stage <= options.last_stage; ++stage) train_stage(run, *make[stage - 1](run));
  return std::move(run.result);
}

}  // namespace kintsugi
