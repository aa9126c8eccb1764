#include "apps/train/recipe_checks.h"

#include <algorithm>
#include <numeric>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

struct Checks {
  const Recipe& r;
  const std::string& name;

  template <class... Parts>
  [[noreturn]] void wrong(const Parts&... parts) const {
    throw UsageError(text(name, ": ", parts...));
  }

  void model() const {
    const ModelRecipe& m = r.model;
    const int levels = int(m.ch_mult.size());
    if (levels < 1 || levels > 12) wrong("model.ch_mult must name 1 to 12 levels, got ", levels);
    const int unit = 1 << (levels - 1);
    if (r.data.size % unit)
      wrong("data.size must be a multiple of ", unit, " (", levels, " levels in model.ch_mult halve it ", levels - 1, " times), got ", r.data.size);
    for (int c : m.ch_mult)
      if (m.nf * c % m.norm_groups) wrong("model.nf * model.ch_mult must be multiples of model.norm_groups = ", m.norm_groups, ", got ", m.nf, " * ", c);
    if (m.dim_embd % m.n_head) wrong("model.dim_embd must be a multiple of model.n_head, got ", m.dim_embd, " and ", m.n_head);
    const std::pair<const char*, const std::vector<int>&> resolutions[] = {{"model.connect", m.connect}, {"model.attn_resolutions", m.attn_resolutions}};
    for (const auto& [key, list] : resolutions)
      for (int s : list) {
        bool found = false;
        for (int l = 0; l < levels; ++l) found |= s == r.data.size >> l;
        if (!found) wrong(key, ": ", s, " is not a resolution of the network (", r.data.size, " halved ", levels - 1, " times)");
      }
    // d_layers convolutions halve the picture, two more take a pixel each.
    const bool adversarial = r.stage1.gan_start < r.stage1.steps || r.stage3.gan_start < r.stage3.steps;
    if (adversarial && r.data.size >> m.d_layers < 3)
      wrong("model.d_layers must leave the discriminator at least 3 pixels of data.size = ", r.data.size, " (every layer halves), got ", m.d_layers);
  }

  void stages() const {
    bool consecutive = !r.stages.empty();
    for (size_t i = 1; i < r.stages.size(); ++i) consecutive &= r.stages[i] == r.stages[i - 1] + 1;
    if (!consecutive) wrong("stages must be consecutive, like [1, 2, 3] or [2]");
    if (r.stage3.grows_from == "stage1" && std::count(r.stages.begin(), r.stages.end(), 2))
      wrong("stage3.grows_from = \"stage1\" leaves nothing for stage 2 to be for, yet stages names it");
  }

  void schedule(const std::string& stage, const StageRecipe& s) const {
    if (s.steps == 0) return;
    if (!s.period_weights.empty() && s.period_weights.size() != s.periods.size())
      wrong(stage, ".period_weights must be as many as ", stage, ".periods, ", s.periods.size(), ", got ", s.period_weights.size());
    const int64_t reach = std::accumulate(s.periods.begin(), s.periods.end(), int64_t(0));
    if (s.schedule == "cosine" && !s.periods.empty() && reach < s.steps)
      wrong(stage, ".periods must reach ", stage, ".steps = ", s.steps, ", got ", reach, " iterations in all");
    if (s.schedule != "multistep") return;
    if (s.milestones.empty()) wrong(stage, ".schedule = \"multistep\" needs ", stage, ".milestones");
    ascending(stage + ".milestones", s.milestones, s.steps);
  }

  void ascending(const std::string& key, const std::vector<int>& iterations, int steps) const {
    for (size_t i = 0; i < iterations.size(); ++i) {
      if (i > 0 && iterations[i] <= iterations[i - 1]) wrong(key, " must ascend, got ", iterations[i], " after ", iterations[i - 1]);
      if (iterations[i] >= steps) wrong(key, ": the run ends at ", steps, " steps, so what follows iteration ", iterations[i], " would never happen");
    }
  }

  void phases() const {
    const StageRecipe& s = r.stage3;
    const size_t count = s.phase_ends.size() + 1;
    const auto as_many = [&](const char* key, size_t got) {
      if (got != count) wrong("stage3.", key, " must have one value for each phase, ", count, " (stage3.phase_ends and the rest), got ", got);
    };
    as_many("phase_w", s.phase_w.size());
    as_many("phase_small_every", s.phase_small_every.size());
    if (s.steps > 0) ascending("stage3.phase_ends", s.phase_ends, s.steps);
    if (std::count(s.phase_small_every.begin(), s.phase_small_every.end(), 0) == int(count))
      wrong("stage3.phase_small_every must let some phase restore images, got only 0");
    const bool codes_alone = std::any_of(s.phase_small_every.begin(), s.phase_small_every.end(), [](int n) { return n != 1; });
    if (codes_alone && s.freezes("transformer"))
      wrong("stage3.phase_small_every must be 1 where stage3.freeze names the transformer: iterations on codes alone would train nothing");
    if (r.data.corrupt == "strokes" && codes_alone)
      wrong("stage3.phase_small_every must be 1 for data.corrupt = \"strokes\", which has no other degradation to train codes on");
  }

  void something_is_trained() const {
    if (r.stage2.freezes("encoder") && r.stage2.freezes("transformer"))
      wrong("stage2.freeze must leave the encoder or the transformer free: nothing else predicts codes");
    if (r.stage2.steps > 0 && r.stage2.feature_weight == 0 && r.stage2.entropy_weight == 0)
      wrong("stage2.feature_weight or stage2.entropy_weight must be above 0, got 0 for both: there would be nothing to train on");
    if (r.stage3.freezes("generator") && (r.stage3.freezes("fusion") || r.model.connect.empty()))
      wrong("stage3.freeze must leave the generator free, or the fusion with some model.connect: nothing else reaches the image");
  }

  void data() const {
    const StrokeOptions& s = r.data.strokes;
    if (s.least_corners > s.most_corners) wrong("strokes.least_corners must not exceed strokes.most_corners, got ", s.least_corners, " and ", s.most_corners);
    if (s.least_width > s.most_width) wrong("strokes.least_width must not exceed strokes.most_width, got ", s.least_width, " and ", s.most_width);
    if (r.perceptual != "none" && r.perceptual_weights.empty())
      wrong("perceptual = \"", r.perceptual, "\" needs perceptual_weights, a file (safetensors or PyTorch's) with that network's weights");
  }
};

}  // namespace

void check_recipe(const Recipe& recipe, const std::string& name) {
  const Checks check{recipe, name};
  check.model();
  check.stages();
  check.schedule("stage1", recipe.stage1);
  check.schedule("stage2", recipe.stage2);
  check.schedule("stage3", recipe.stage3);
  check.phases();
  check.something_is_trained();
  check.data();
}

}  // namespace kintsugi
