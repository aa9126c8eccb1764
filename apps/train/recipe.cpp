#include "apps/train/recipe.h"

#include <fmt/format.h>

#include "apps/cli/toml_reader.h"
#include "apps/train/recipe_checks.h"
#include "apps/train/recipe_keys.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

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
  template <class... L> void operator()(const std::string& k, const std::vector<int>& v, L...) { list(k, v, [](int i) { return std::to_string(i); }); }
  template <class... L> void operator()(const std::string& k, const std::vector<double>& v, L...) { list(k, v, number); }
  template <class... L> void operator()(const std::string& k, const std::vector<std::string>& v, L...) { list(k, v, quoted); }

  template <class T, class Written>
  void list(const std::string& key, const std::vector<T>& values, Written&& written) {
    std::vector<std::string> words;
    for (const T& v : values) words.push_back(written(v));
    line(key, fmt::format("[{}]", fmt::join(words, ", ")));
  }
};

// Ranges are given for pictures of degrade_size pixels, single values on top of a preset, and in [degrade_small] otherwise on top of
// [degrade].
void read_degradations(TomlReader& toml, Reader& reader, DataRecipe& data) {
  toml.get("data.size", data.size, 16, 2048);
  int degrade_size = data.size;
  toml.get("data.degrade_size", degrade_size, 16, 2048);
  const auto preset = [&](const char* key, const DegradeOptions& otherwise) {
    std::string name;
    toml.get(key, name, Words{"stage2", "stage3_small", "stage3_large", "colorization", "paper"});
    return name.empty() ? otherwise : DegradeOptions::named(name).for_size(degrade_size);
  };
  data.degrade = preset("degrade.preset", DegradeOptions::stage2().for_size(degrade_size));
  visit_degradation("degrade", data.degrade, reader);
  data.degrade_small = preset("degrade_small.preset", data.degrade);
  visit_degradation("degrade_small", data.degrade_small, reader);
  if (degrade_size == data.size) return;
  for (DegradeOptions* d : {&data.degrade, &data.degrade_small}) *d = d->for_size(int(int64_t(512) * data.size / degrade_size));
}

Recipe read(TomlReader& toml, const std::string& name, const std::vector<std::string>& assignments) {
  for (const auto& a : assignments) toml.set(a);
  Recipe r;
  Reader reader{toml};
  visit(r, reader);
  read_degradations(toml, reader, r.data);
  toml.finish();
  check_recipe(r, name);
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
