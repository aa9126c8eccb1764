#include "apps/train/state.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "autograd/finite_watch.h"
#include "kernels/base/pattern.h"
#include "nn/checkpoint.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStateKind = "training_state";
constexpr const char* kStateFiles = ".safetensors";

using Json = nlohmann::ordered_json;

Json to_json(const Manifest& m) {
  const Position& p = m.position;
  Json json{{"stage", p.stage},
            {"last_stage", p.last_stage},
            {"step", p.step},
            {"steps", p.steps},
            {"validated", p.validated},
            {"ranks", p.ranks},
            {"metrics_bytes", p.metrics_bytes},
            {"cursor", {{"epoch", p.cursor.epoch}, {"index", p.cursor.index}}},
            {"inputs", m.inputs},
            {"recipe", m.recipe}};
  if (p.best) json["best"] = {{"metric", p.best->metric}, {"value", p.best->value}, {"step", p.best->step}};
  json["recipe_sha256"] = sha256_of(m.recipe);
  return json;
}

Manifest from_json(const Json& json) {
  Manifest m{.position = {.stage = json.at("stage"), .last_stage = json.at("last_stage"), .step = json.at("step"), .steps = json.at("steps"),
                          .validated = json.at("validated"), .best = {}, .ranks = json.at("ranks"), .metrics_bytes = json.at("metrics_bytes"),
                          .cursor = {json.at("cursor").at("epoch"), json.at("cursor").at("index")}},
             .recipe = json.at("recipe"), .inputs = json.at("inputs")};
  if (json.contains("best")) m.position.best = Best{json["best"].at("metric"), json["best"].at("value"), json["best"].at("step")};
  return m;
}

SafetensorsFile open_state(const fs::path& path, Manifest* manifest) {
  SafetensorsFile file(path.string());
  const CheckpointInfo info = checkpoint_info(file, kStateKind);
  try {
    if (manifest) *manifest = from_json(Json::parse(info.arguments));
  } catch (const Json::exception& e) {
    fail(path.string(), ": its manifest cannot be read: ", e.what());
  }
  return file;
}

// The tensors of `file` named prefix + a name of `wanted`, under those names.
NamedTensors read_named(const SafetensorsFile& file, const std::string& prefix, const NamedTensors& wanted) {
  NamedTensors found;
  for (const auto& [name, tensor] : wanted) {
    KIN_CHECK(file.has(prefix + name), file.path(), ": does not fit this network: ", prefix, name, " is missing");
    found.emplace_back(name, file.read(prefix + name));
  }
  return found;
}

// "table.key" and value of every line of a resolved recipe, which has one key a line.
std::vector<std::pair<std::string, std::string>> keys_of(const std::string& recipe) {
  std::vector<std::pair<std::string, std::string>> keys;
  std::istringstream lines(recipe);
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) table = line.substr(1, line.find(']') - 1) + ".";
    else if (const auto equals = line.find(" = "); equals != std::string::npos) keys.emplace_back(table + line.substr(0, equals), line.substr(equals + 3));
  }
  return keys;
}

// Places are told by the hashes of what is there.
bool is_harmless(const std::string& key) {
  for (const char* pattern : {"name", "out", "from", "cache_codes", "record", "keep_last", "perceptual_weights", "data.source", "data.index", "data.workers",
                              "*.steps", "*.save_every", "*.validate_every", "*.recompute", "watch.*"})
    if (matches_pattern(key, pattern)) return true;
  return false;
}

}  // namespace

void save_state(const fs::path& path, const Manifest& manifest, const std::vector<Learner*>& learners) {
  std::vector<CheckpointPart> parts;
  NamedTensors extra;
  const auto add = [&](const std::string& prefix, const NamedTensors& tensors) {
    for (const auto& [name, tensor] : tensors) extra.emplace_back(prefix + name, tensor);
  };
  for (Learner* learner : learners) {
    for (const auto& e : learner->store().entries())
      if (!all_finite(e.value())) throw NotFiniteError(text(path.string(), ": not written, for ", e.name, " is not finite"));
    parts.push_back({learner->prefix() + "net.", &learner->store()});
    add(learner->prefix() + "ema.", learner->ema().averages());
    add(learner->prefix() + "adam.", learner->optimizer().state());
  }
  save_checkpoint(path.string(), {kStateKind, to_json(manifest).dump()}, parts, extra);
}

Manifest read_manifest(const fs::path& path) {
  Manifest manifest;
  open_state(path, &manifest);
  return manifest;
}

void load_state(const fs::path& path, const std::vector<Learner*>& learners) {
  const SafetensorsFile file = open_state(path, nullptr);
  for (Learner* learner : learners) {
    load_parameters(file, learner->store(), learner->prefix() + "net.");
    learner->ema().load(read_named(file, learner->prefix() + "ema.", learner->ema().averages()));
    learner->optimizer().load_state(read_named(file, learner->prefix() + "adam.", learner->optimizer().state()));
  }
}

void check_same_recipe(const std::string& then, const std::string& now, const std::string& where) {
  const auto before = keys_of(then), after = keys_of(now);
  const auto value_of = [](const auto& keys, const std::string& key) {
    for (const auto& [k, v] : keys)
      if (k == key) return v;
    return std::string("absent");
  };
  for (const auto& keys : {after, before})
    for (const auto& [key, ignored] : keys) {
      const std::string was = value_of(before, key), is = value_of(after, key);
      KIN_CHECK(was == is || is_harmless(key), where, ": was started with another recipe: ", key, " was ", was, ", is ", is);
    }
}

void check_same_ranks(int then, int now, const std::string& where) {
  KIN_CHECK(then == now, where, ": was started on ", then, " ranks, is now on ", now, "; they share each step, so it would become another run");
}

void check_same_inputs(const Inputs& then, const Inputs& now, const std::string& where) {
  for (const auto& [name, hash] : now) {
    const auto found = then.find(name);
    KIN_CHECK(found != then.end() && found->second == hash, where, ": was started with another ", name, ": it was ",
              found == then.end() ? "none" : found->second, ", is ", hash);
  }
}

std::vector<StateFolder::File> StateFolder::files() const {
  std::vector<File> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder_, none)) {
    const std::string name = entry.path().filename().string();
    File file{entry.path(), 0, 0};
    const auto dash = name.find('-'), dot = name.find(kStateFiles);
    if (!name.starts_with("stage") || dash == std::string::npos || dot == std::string::npos || dot < dash) continue;
    const auto number = [&](size_t begin, size_t end, auto& to) {
      const auto parsed = std::from_chars(name.data() + begin, name.data() + end, to);
      return parsed.ec == std::errc{} && parsed.ptr == name.data() + end;
    };
    if (number(5, dash, file.stage) && number(dash + 1, dot, file.step)) files.push_back(file);
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return std::pair(a.stage, a.step) < std::pair(b.stage, b.step); });
  return files;
}

std::optional<SavedState> StateFolder::newest(int first_stage, int last_stage) const {
  fs::path newest;
  for (const File& file : files())
    if (file.stage >= first_stage && file.stage <= last_stage) newest = file.path;
  if (newest.empty()) return {};
  return SavedState{newest, read_manifest(newest)};
}

fs::path StateFolder::path_of(const Position& p) const { return folder_ / text("stage", p.stage, "-", p.step, kStateFiles); }

fs::path StateFolder::save(const Manifest& manifest, const std::vector<Learner*>& learners, int keep) const {
  fs::create_directories(folder_);
  const fs::path path = path_of(manifest.position);
  save_state(path, manifest, learners);
  std::vector<File> old = files();
  for (size_t i = 0; i + size_t(keep) < old.size(); ++i) fs::remove(old[i].path);
  return path;
}

void StateFolder::keep_as_best(const fs::path& file, int stage) const {
  const fs::path best = folder_ / text("stage", stage, "-best", kStateFiles), link = folder_ / "best.tmp";
  fs::remove(link);
  std::error_code error;
  fs::create_hard_link(file, link, error);
  if (error) fs::copy_file(file, link);  // a file system without links
  fs::rename(link, best);
}

void StateFolder::forget(int first_stage) const {
  for (const File& file : files())
    if (file.stage >= first_stage) fs::remove(file.path);
  for (int stage = first_stage; stage <= 3; ++stage) fs::remove(folder_ / text("stage", stage, "-best", kStateFiles));
}

void StateFolder::sweep() const {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder_, none))
    if (entry.path().extension() == ".tmp") fs::remove(entry.path());
}

}  // namespace kintsugi
