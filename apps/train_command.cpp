#include "apps/train_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/cli/exit_codes.h"
#include "apps/cli/json_text.h"
#include "apps/cli/stop_signals.h"
#include "apps/train/train.h"
#include "apps/watch/dead_stage.h"

namespace kintsugi {
namespace {

nlohmann::ordered_json to_json(const Quality& q) {
  nlohmann::ordered_json out{{"psnr", q.psnr}, {"ssim", q.ssim}};
  if (q.lpips) out["lpips"] = *q.lpips;
  return out;
}

nlohmann::ordered_json to_json(const TrainResult& r) {
  nlohmann::ordered_json out{{"checkpoint", r.checkpoint}, {"hash", fmt::format("{:016x}", r.hash)}};
  const Validation& v = r.validation;
  if (v.restored.empty()) return out;
  out["degraded"] = to_json(v.degraded);
  out["restored"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < v.ws.size(); ++i) out["restored"].push_back({{"w", v.ws[i]}, {"quality", to_json(v.restored[i])}});
  out["code_accuracy"] = v.code_accuracy;
  out["nearest_accuracy"] = v.nearest_accuracy;
  return out;
}

std::string lpips(const Quality& q) { return q.lpips ? fmt::format(", {:.3f} LPIPS", *q.lpips) : ""; }

void print(const TrainResult& r, const std::string& folder) {
  const Validation& v = r.validation;
  if (!v.restored.empty()) {
    fmt::print("degraded {:.2f} dB PSNR, {:.3f} SSIM{}", v.degraded.psnr, v.degraded.ssim, lpips(v.degraded));
    for (size_t i = 0; i < v.ws.size(); ++i)
      fmt::print("; w = {}: {:.2f} dB, {:.3f}{}", v.ws[i], v.restored[i].psnr, v.restored[i].ssim, lpips(v.restored[i]));
    fmt::print("\ncodes predicted: {:.1f}% (nearest neighbour: {:.1f}%)\n", 100 * v.code_accuracy, 100 * v.nearest_accuracy);
  }
  std::string sheets;
  for (const char* sheet : {"vqgan.png", "codes.png", "sheet.png"})
    if (std::filesystem::exists(folder + "/" + sheet)) sheets += fmt::format("  {}/{}", folder, sheet);
  fmt::print("metrics   {0}/metrics.jsonl\nevents    tensorboard --logdir {0}/events\nsheets  {1}\n{2}  hash {3:016x}\n", folder, sheets, r.checkpoint, r.hash);
}

// What goes wrong here is told to the other ranks, and told apart from what goes wrong there.
TrainResult train_as(const Rank& rank, const Recipe& recipe, const TrainOptions& options) {
  Communicator& all = *rank.communicator;
  try {
    return train(recipe, options);
  } catch (const DeadStageError&) {
    throw;  // all of them saw it at the same step: none has failed
  } catch (const UsageError& e) {
    all.abandon(e.what());
    throw;
  } catch (const std::exception& e) {
    all.abandon(e.what());
    if (all.size() == 1) throw;
    throw Error(text("rank ", all.rank(), " of ", all.size(), ": ", e.what()));
  }
}

// The stages of the recipe that the command line chooses.
std::pair<int, int> chosen_stages(const Recipe& recipe, const std::vector<int>& asked) {
  const int first = recipe.stages.front(), last = recipe.stages.back();
  if (asked.empty()) return {first, last};
  const std::set<int> stages(asked.begin(), asked.end());
  if (*stages.rbegin() - *stages.begin() >= int(stages.size()))
    throw UsageError("--stage: 2 stands between 1 and 3; give it too, or one stage at a time");
  for (int stage : stages)
    if (stage < first || stage > last) throw UsageError(text("--stage ", stage, ": the recipe has stages ", first, " to ", last));
  return {*stages.begin(), *stages.rbegin()};
}

}  // namespace

int run_train(const TrainCommand& c) {
  std::vector<std::string> assignments = c.set;
  if (!c.from.empty()) assignments.push_back("from=" + c.from);
  if (c.resume && c.overwrite) throw UsageError("--resume and --overwrite: give one of them");
  const Recipe recipe = read_recipe(c.recipe, assignments);
  if (c.print) {
    fmt::print("{}", resolved(recipe));
    return kDone;
  }
  const auto [first_stage, last_stage] = chosen_stages(recipe, c.stages);
  const Rank rank = start_rank(c.rank);
  const bool speaks = rank.communicator->rank() == 0;
  const TrainOptions options{.first_stage = first_stage, .last_stage = last_stage, .quiet = c.rank.quiet || !speaks, .device = rank.device,
                             .resume = c.resume, .overwrite = c.overwrite, .communicator = rank.communicator,
                             .stop = [] { return StopSignals::received() != 0; }};
  const StopSignals signals({SIGINT, SIGTERM, SIGUSR1});
  TrainResult r;
  try {
    r = train_as(rank, recipe, options);
  } catch (const DeadStageError&) {
    if (speaks) throw;
    return kStageDead;
  }
  if (!speaks) return r.stopped ? kStoppedEarly : kDone;
  if (r.stopped) {
    fmt::print(stderr, "kintsugi: stopped by a signal; the same command with --resume goes on\n");
    return kStoppedEarly;
  }
  if (c.json) fmt::print("{}\n", json_text(to_json(r)));
  else print(r, recipe.out);
  return kDone;
}

}  // namespace kintsugi
