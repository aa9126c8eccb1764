#include "apps/watch/health.h"

#include <fmt/format.h>

namespace kintsugi {
namespace {

// What a stage reports, and its name on the panel where that is another.
const std::pair<const char*, const char*> kMeans[] = {
    {"code_accuracy", "code_accuracy"}, {"cross_entropy_loss", "cross_entropy_loss"}, {"out_d_real", "out_d_real"},
    {"out_d_fake", "out_d_fake"},       {"d_weight_clamped", "adaptive_weight"},      {"d_weight_at_max", "clamp_rate"},
    {"grad_norm", "grad_norm"},         {"grad_norm_d", "grad_norm_d"}};

constexpr double kMib = 1 << 20;

// Mean over the steps that have the value.
template <class Steps, class Get>
std::optional<double> mean_of(const Steps& steps, const std::string& name, Get get) {
  double sum = 0;
  int64_t n = 0;
  for (const auto& s : steps)
    if (const double* v = find(get(s), name)) sum += *v, ++n;
  return n ? std::optional(sum / double(n)) : std::nullopt;
}

}  // namespace

void Health::add(const StepSeen& s) {
  if (!s.codes.empty()) codes_.add(s.codes);
  last_.push_back({s.values, s.gradients, s.images, s.seconds, s.waiting});
  if (last_.size() > window_) last_.pop_front();
}

std::optional<double> Health::settled_perplexity() const { return codes_.full() ? std::optional(codes_.perplexity()) : std::nullopt; }

Values Health::values(int64_t done, const MemorySeen& memory) const {
  Values out;
  if (last_.empty()) return out;
  if (!codes_.empty()) out.insert(out.end(), {{"live_codes", double(codes_.live())}, {"perplexity", codes_.perplexity()}});
  for (const auto& [name, shown] : kMeans)
    if (const auto mean = mean_of(last_, name, [](const Step& s) -> const Values& { return s.values; })) out.emplace_back(shown, *mean);
  for (const auto& [module, ignored] : last_.back().gradients)
    out.emplace_back("grad_norm/" + module, *mean_of(last_, module, [](const Step& s) -> const Values& { return s.gradients; }));
  if (const double* lr = find(last_.back().values, "lr")) out.emplace_back("lr", *lr);

  double seconds = 0, waiting = 0, images = 0;
  for (const Step& s : last_) seconds += s.seconds, waiting += s.waiting, images += double(s.images);
  if (seconds > 0)
    out.insert(out.end(), {{"images_per_second", images / seconds}, {"data_wait", waiting / seconds}});
  out.insert(out.end(), {{"tensors_mib", double(memory.tensors) / kMib}, {"process_mib", double(memory.process) / kMib},
                         {"eta_s", seconds / double(last_.size()) * double(steps_ - done)}});
  return out;
}

std::string panel(const Values& h, int64_t codebook_size) {
  std::string line;
  const auto part = [&](const std::string& text) { line += (line.empty() ? "" : " | ") + text; };
  const auto get = [&](const char* name) { return find(h, name); };
  if (const double *live = get("live_codes"), *p = get("perplexity"); live && p) part(fmt::format("codes {}/{}, perplexity {:.1f}", *live, codebook_size, *p));
  if (const double *a = get("code_accuracy"), *e = get("cross_entropy_loss"); a && e) part(fmt::format("accuracy {:.1f}%, entropy {:.3f}", 100 * *a, *e));
  if (const double *real = get("out_d_real"), *fake = get("out_d_fake"); real && fake) part(fmt::format("logits {:+.2f} {:+.2f}", *real, *fake));
  if (const double *w = get("adaptive_weight"), *c = get("clamp_rate"); w && c) part(fmt::format("adaptive {:.3g}, clamped {:.0f}%", *w, 100 * *c));
  if (const double* g = get("grad_norm")) part(fmt::format("gradient {:.3g}", *g));
  if (const double* lr = get("lr")) part(fmt::format("lr {:.2g}", *lr));
  if (const double *n = get("images_per_second"), *w = get("data_wait"); n && w) part(fmt::format("{:.3g} images/s, {:.0f}% waiting", *n, 100 * *w));
  if (const double* m = get("process_mib")) part(fmt::format("{:.0f} MiB", *m));
  return line;
}

}  // namespace kintsugi
