#include "apps/train/run.h"

#include <fmt/format.h>

#include <cstdio>

#include "apps/train/nets.h"
#include "autograd/finite_watch.h"

namespace kintsugi {
namespace {

// Behind what may refuse the run on any rank.
RunLog open_log(const Recipe& r, const Ranks& ranks, int64_t keep_metrics) {
  ranks.communicator()->barrier();
  return {r.out, resolved(r), keep_metrics, ranks.writes()};
}

}  // namespace

Run::Run(const Recipe& r, const TrainOptions& o, TrainingData d, int64_t keep_metrics)
    : recipe(r), options(o), device(o.device), ranks(o.communicator), data(std::move(d)), judges(image_judges(r, device)),
      log(open_log(r, ranks, keep_metrics)), states(r.out) {}

Saved Run::save(const std::string& name, const CheckpointInfo& info, const ParameterStore& store, const Metadata& more) const {
  for (const auto& e : store.entries())
    if (!all_finite(e.value())) throw NotFiniteError(text(log.path(name), ": not written, for ", e.name, " is not finite"));
  ranks.first([&] { save_checkpoint(log.path(name), info, {{"", &store}}, {}, more); });
  return {log.path(name), store.state_hash()};
}

void Run::poll() const {
  if (ranks.any(options.stop())) throw StopRequested();
}

void Run::say(const std::string& line) const {
  if (options.quiet) return;
  if (progress) progress->say(line);
  else fmt::print(stderr, "{}\n", line);
}

}  // namespace kintsugi
