#include "apps/restore/report.h"

namespace kintsugi {
namespace {

const char* name(PictureOutcome::Status status) {
  switch (status) {
    case PictureOutcome::Status::done: return "done";
    case PictureOutcome::Status::failed: return "failed";
    default: return "not started";
  }
}

}  // namespace

nlohmann::ordered_json report_of(const std::vector<PictureJob>& jobs, const std::vector<PictureOutcome>& outcomes, const RunFacts& facts) {
  auto report = nlohmann::ordered_json::array();
  for (size_t i = 0; i < jobs.size(); ++i) {
    const PictureOutcome& o = outcomes[i];
    nlohmann::ordered_json entry{{"input", jobs[i].in.string()}, {"status", name(o.status)}};
    if (o.status == PictureOutcome::Status::done) entry["output"] = jobs[i].out.string();
    if (!o.error.empty()) entry["error"] = o.error;
    entry["task"] = facts.task;
    if (facts.sweep) entry["w"] = facts.ws;
    else entry["w"] = facts.ws.front();
    entry["blend"] = facts.blend;
    entry["device"] = facts.device;
    if (o.recorded) entry["recorded"] = true;
    entry["seconds"] = o.seconds;
    if (o.width > 0) entry["size"] = {o.width, o.height};
    entry["network_size"] = {facts.network_size, facts.network_size};
    entry["weights"] = facts.weights;
    entry["weights_sha256"] = facts.weights_sha256;
    entry["notes"] = o.notes;
    report.push_back(std::move(entry));
  }
  return report;
}

}  // namespace kintsugi
