#include "apps/train/recorded_step.h"

#include <fmt/format.h>

namespace kintsugi {
namespace {

// Empty: it can be recorded, as far as is known before it is tried.
std::string why_not(const Run& run, int accumulate) {
  if (run.ranks.size() > 1) return text(run.ranks.size(), " processes share each step");
  if (run.ranks.communicator()->row().starts_with("NCCL")) return "gradients go through NCCL";
  if (accumulate > 1) return text("a step is made of ", accumulate, " micro-batches");
  return {};
}

std::string key_of(const std::string& kind, const std::vector<StepInputs>& inputs) {
  std::string key = kind;
  for (const StepInputs& i : inputs) {
    key += text(key.empty() ? "" : ", ", i.gt);
    if (!i.lq.shares_memory_with(i.gt)) key += text(", degraded ", i.lq);
    if (i.codes) key += text(", codes ", i.codes);
  }
  return key;
}

StepInputs copy_of(const StepInputs& in) {
  StepInputs own{in.gt.clone(), {}, in.codes ? in.codes.clone() : Tensor()};
  own.lq = in.lq.shares_memory_with(in.gt) ? own.gt : in.lq.clone();
  return own;
}

void refill(StepInputs own, const StepInputs& in) {
  own.gt.copy_(in.gt);
  if (!own.lq.shares_memory_with(own.gt)) own.lq.copy_(in.lq);
  if (own.codes) own.codes.copy_(in.codes);
}

}  // namespace

RecordedStep::RecordedStep(const Run& run, const std::string& stage, int accumulate) : run_(run), stage_(stage) {
  on_ = run.recipe.record != "off" && run.device.kind != DeviceKind::cpu;
  if (!on_) return;
  if (const std::string why = why_not(run, accumulate); !why.empty()) give_up(why);
}

void RecordedStep::give_up(const std::string& why) {
  on_ = false;
  forget();
  if (run_.ranks.writes()) run_.say(text(stage_, ": steps are not recorded but started kernel by kernel: ", why));
}

QueuedStep RecordedStep::operator()(const std::string& kind, const std::vector<StepInputs>& inputs, const Queue& queue) {
  if (!on_) return queue(inputs);
  const std::string key = key_of(kind, inputs);
  if (seen_.insert(key).second) {  // run as it is: what is made once, like copies of frozen weights, is made outside of recordings
    forget();                      // whose memory it may need
    return queue(inputs);
  }
  const Recording* r = recording_of(key, inputs, queue);
  if (!r) return queue(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) refill(r->step.inputs[i], inputs[i]);
  r->graph->launch();
  return r->step;
}

const RecordedStep::Recording* RecordedStep::recording_of(const std::string& key, const std::vector<StepInputs>& inputs, const Queue& queue) {
  if (const auto found = recordings_.find(key); found != recordings_.end()) return &found->second;
  for (;;) {
    const bool alone = recordings_.empty();
    try {
      return &recordings_.emplace(key, record(key, inputs, queue)).first->second;
    } catch (const Error& e) {
      if (alone) return give_up(e.what()), nullptr;
      forget();  // there may not be memory for two
    }
  }
}

RecordedStep::Recording RecordedStep::record(const std::string& key, const std::vector<StepInputs>& inputs, const Queue& queue) {
  Recording r;
  std::vector<StepInputs> own;
  for (const StepInputs& in : inputs) own.push_back(copy_of(in));
  r.graph = std::make_unique<DeviceGraph>(run_.device, [&] { r.step = queue(own); });
  if (told_.insert(key).second && run_.ranks.writes())
    run_.say(fmt::format("{}: a step is recorded, {} kernels to be started as one ({})", stage_, r.graph->kernels().size(), key));
  return r;
}

}  // namespace kintsugi
