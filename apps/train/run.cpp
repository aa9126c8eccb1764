#include "apps/train/run.h"

#include "apps/train/learner.h"
#include "apps/train/nets.h"
#include "autograd/finite_watch.h"

namespace kintsugi {

Run::Run(const Recipe& r, const TrainOptions& options)
    : recipe(r), quiet(options.quiet), device(options.device), data(make_datasets(r)), perceptual(perceptual_loss(r, device)),
      log(r.out, resolved(r), options.first_stage > 1) {}

void Run::save(const std::string& name, const CheckpointInfo& info, const ParameterStore& store) {
  for (const auto& e : store.entries())
    if (!all_finite(e.value())) throw NotFiniteError(text(log.path(name), ": not written, for ", e.name, " is not finite"));
  result.checkpoint = log.path(name);
  result.hash = store.state_hash();
  save_checkpoint(result.checkpoint, info, {{"", &store}});
}

}  // namespace kintsugi
