#include "apps/train/recipe.h"

#include <fmt/format.h>

#include "apps/cli/toml_reader.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

constexpr double kAny = 1e30;

// One list of all keys, visited once to read and once to write.
template <class Visitor>
void visit(Recipe& r, Visitor& v) {
  v("name", r.name);
  v("out", r.out);
  v("from", r.from);
  v("seed", r.seed);
  v("perceptual", r.perceptual, std::vector<std::string>{"none", "vgg19", "lpips"});
  v("perceptual_weights", r.perceptual_weights);
  v("sync_batch_norm", r.sync_batch_norm);
  v("keep_last", r.keep_last, 1, 1000);
  v("cache_codes", r.cache_codes);

  v("data.source", r.data.source);
  v("data.index", r.data.index);
  v("data.holdout", r.data.holdout, 0.0, 0.9);
  v("data.size", r.data.size, 16, 2048);
  v("data.identities", r.data.identities, 1, 1 << 30);
  v("data.validation", r.data.validation, 1, 100000);
  v("data.hflip", r.data.hflip);
  v("data.workers", r.data.workers, 1, 256);

  DegradeOptions& d = r.data.degrade;
  v("degrade.kernel_size", d.kernel_size, 1, 127);
  v("degrade.isotropic_probability", d.isotropic_probability, 0.0, 1.0);
  v("degrade.blur_sigma", d.blur_sigma, 0.0, 100.0);
  v("degrade.downsample", d.downsample, 1.0, 100.0);
  v("degrade.noise", d.noise, 0.0, 255.0);
  v("degrade.jpeg_quality", d.jpeg_quality, 1.0, 100.0);
  v("degrade.colour_shift_probability", d.colour_shift_probability, 0.0, 1.0);
  v("degrade.colour_shift", d.colour_shift, 0.0, 255.0);
  v("degrade.grey_probability", d.grey_probability, 0.0, 1.0);

  ModelRecipe& m = r.model;
  v("model.nf", m.nf, 1, 4096);
  v("model.ch_mult", m.ch_mult, 1, 64);
  v("model.res_blocks", m.res_blocks, 1, 16);
  v("model.attn_resolutions", m.attn_resolutions, 1, 4096);
  v("model.codebook_size", m.codebook_size, 2, 1 << 20);
  v("model.emb_dim", m.emb_dim, 1, 8192);
  v("model.norm_groups", m.norm_groups, 1, 1024);
  v("model.beta", m.beta, 0.0, 100.0);
  v("model.beta_on", m.beta_on, std::vector<std::string>{"codebook", "commitment"});
  v("model.dim_embd", m.dim_embd, 1, 8192);
  v("model.n_head", m.n_head, 1, 256);
  v("model.n_layers", m.n_layers, 1, 128);
  v("model.connect", m.connect, 1, 4096);
  v("model.ndf", m.ndf, 1, 1024);
  v("model.d_layers", m.d_layers, 1, 8);

  const std::pair<const char*, StageRecipe*> stages[] = {{"stage1", &r.stage1}, {"stage2", &r.stage2}, {"stage3", &r.stage3}};
  for (const auto& [name, s] : stages) {
    const std::string p = std::string(name) + ".";
    auto key = [&](const char* k) { return p + k; };
    v(key("steps"), s->steps, 0, 1 << 30);
    v(key("batch"), s->batch, 1, 4096);
    // No upper limit that would be a guess: a rate that is too high ends as a number that is not finite, which stops the run.
    v(key("lr"), s->lr, 0.0, kAny);
    v(key("lr_end"), s->lr_end, 0.0, kAny);
    v(key("warmup"), s->warmup, 0, 1 << 30);
    v(key("beta1"), s->beta1, 0.0, 0.9999999);
    v(key("beta2"), s->beta2, 0.0, 0.9999999);
    v(key("ema"), s->ema, 0.0, 0.9999999);
    v(key("clip"), s->clip, 0.0, kAny);
    v(key("accumulate"), s->accumulate, 1, 1 << 20);
    v(key("recompute"), s->recompute);
    v(key("save_every"), s->save_every, 0, 1 << 30);
    v(key("validate_every"), s->validate_every, 0, 1 << 30);
    if (s != &r.stage2) {
      v(key("gan_start"), s->gan_start, 0, 1 << 30);
      v(key("gan_weight"), s->gan_weight, 0.0, 100.0);
    }
    if (s == &r.stage1) {
      v(key("revive_every"), s->revive_every, 0, 1 << 30);
      v(key("revive_until"), s->revive_until, 0, 1 << 30);
    }
    if (s == &r.stage3) {
      v(key("zero_start"), s->zero_start);
      v(key("fix_generator"), s->fix_generator);
      v(key("fix_transformer"), s->fix_transformer);
      v(key("w"), s->w, 0.0, 10.0);
    }
  }
}

struct Reader {
  TomlReader& toml;
  template <class T, class... Limits>
  void operator()(const std::string& key, T& value, Limits... limits) {
    toml.get(key.c_str(), value, limits...);
  }
  void operator()(const std::string& key, Range& value, double least, double most) {
    std::pair<double, double> pair{value.low, value.high};
    toml.get(key.c_str(), pair, least, most);
    value = {pair.first, pair.second};
  }
};

struct Writer {
  std::string out, table;

  void line(const std::string& key, const std::string& value) {
    const auto dot = key.find('.');
    const std::string t = dot == std::string::npos ? "" : key.substr(0, dot);
    if (t != table) out += fmt::format("\n[{}]\n", table = t);
    out += fmt::format("{} = {}\n", dot == std::string::npos ? key : key.substr(dot + 1), value);
  }
  static std::string number(double v) {
    const std::string s = fmt::format("{}", v);
    return s.find_first_of(".en") == std::string::npos ? s + ".0" : s;
  }
  static std::string quoted(const std::string& s) {
    std::string q = "\"";
    for (char c : s) (c == '"' || c == '\\') ? q += '\\', q += c : q += c;
    return q + "\"";
  }

  template <class... L> void operator()(const std::string& k, const std::string& v, L...) { line(k, quoted(v)); }
  template <class... L> void operator()(const std::string& k, const bool& v, L...) { line(k, v ? "true" : "false"); }
  template <class... L> void operator()(const std::string& k, const int& v, L...) { line(k, std::to_string(v)); }
  template <class... L> void operator()(const std::string& k, const uint64_t& v, L...) { line(k, std::to_string(v)); }
  template <class... L> void operator()(const std::string& k, const double& v, L...) { line(k, number(v)); }
  template <class... L> void operator()(const std::string& k, const Range& v, L...) { line(k, "[" + number(v.low) + ", " + number(v.high) + "]"); }
  template <class... L> void operator()(const std::string& k, const std::vector<int>& v, L...) { line(k, fmt::format("[{}]", fmt::join(v, ", "))); }
};

Recipe read(TomlReader& toml, const std::string& name, const std::vector<std::string>& assignments) {
  for (const auto& a : assignments) toml.set(a);
  Recipe r;
  std::string preset = "stage2";
  // The preset and the size come first: the other degradation keys change single values of the scaled preset.
  toml.get("degrade.preset", preset);
  toml.get("data.size", r.data.size, 16, 2048);
  r.data.degrade = DegradeOptions::named(preset).for_size(r.data.size);
  Reader reader{toml};
  visit(r, reader);
  toml.finish();

  auto wrong = [&](const auto&... parts) { throw UsageError(text(name, ": ", parts...)); };
  const int levels = int(r.model.ch_mult.size()), unit = 1 << (levels - 1);
  if (r.data.size % unit) wrong("data.size must be a multiple of ", unit, " (", levels, " levels in model.ch_mult halve it ", levels - 1, " times), got ", r.data.size);
  for (int m : r.model.ch_mult)
    if (r.model.nf * m % r.model.norm_groups) wrong("model.nf * model.ch_mult must be multiples of model.norm_groups = ", r.model.norm_groups, ", got ", r.model.nf, " * ", m);
  if (r.model.dim_embd % r.model.n_head) wrong("model.dim_embd must be a multiple of model.n_head, got ", r.model.dim_embd, " and ", r.model.n_head);
  const std::pair<const char*, const std::vector<int>&> resolutions[] = {
      {"model.connect", r.model.connect}, {"model.attn_resolutions", r.model.attn_resolutions}};
  for (const auto& [key, list] : resolutions)
    for (int s : list) {
      bool found = false;
      for (int l = 0; l < levels; ++l) found |= s == r.data.size >> l;
      if (!found) wrong(key, ": ", s, " is not a resolution of the network (", r.data.size, " halved ", levels - 1, " times)");
    }
  // d_layers convolutions halve the picture, two more take a pixel each.
  const bool adversarial = r.stage1.gan_start < r.stage1.steps || r.stage3.gan_start < r.stage3.steps;
  if (adversarial && r.data.size >> r.model.d_layers < 3)
    wrong("model.d_layers must leave the discriminator at least 3 pixels of data.size = ", r.data.size,
          " (every layer halves), got ", r.model.d_layers);
  if (r.perceptual != "none" && r.perceptual_weights.empty()) wrong("perceptual = \"", r.perceptual, "\" needs perceptual_weights, a file (safetensors or PyTorch's) with that network's weights");
  return r;
}

}  // namespace

Recipe read_recipe(const std::string& path, const std::vector<std::string>& assignments) {
  TomlReader toml(path);
  return read(toml, path, assignments);
}

Recipe read_recipe_text(const std::string& content, const std::string& name, const std::vector<std::string>& assignments) {
  TomlReader toml(content, name);
  return read(toml, name, assignments);
}

std::string resolved(const Recipe& recipe) {
  Recipe copy = recipe;
  Writer writer;
  visit(copy, writer);
  return writer.out;
}

}  // namespace kintsugi
