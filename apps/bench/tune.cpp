#include "apps/bench/tune.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "tensor/mapped_file.h"

namespace kintsugi::bench {
namespace {

using Json = nlohmann::json;
constexpr const char* kWhat = "kintsugi kernel choices";
constexpr DeviceKind kKinds[] = {DeviceKind::cpu, DeviceKind::cuda, DeviceKind::sim};
constexpr DType kTypes[] = {DType::f32, DType::bf16};

const BenchFamily* family_named(const std::vector<BenchFamily>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const BenchFamily& f) { return f.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

// The family's rows on that device which may be chosen by time alone.
std::set<std::string> candidates(const FamilyInfo& family, DeviceKind device) {
  std::set<std::string> rows;
  for (const RowInfo& r : family.row_infos())
    if (r.where == device && r.deterministic && r.name.find("tf32") == std::string::npos) rows.insert(r.name);
  return rows;
}

class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  [[noreturn]] void refuse(const std::string& what) const { throw UsageError(where_ + ": " + what); }

  // Exactly these keys.
  void keys(const Json& j, const std::string& place, const std::set<std::string>& wanted) const {
    if (!j.is_object()) refuse(place + " must be an object");
    for (const auto& [key, value] : j.items())
      if (!wanted.contains(key)) refuse(place + ": unknown key '" + key + "'");
    for (const std::string& key : wanted)
      if (!j.contains(key)) refuse(place + ": '" + key + "' is missing");
  }
  std::string word(const Json& j, const std::string& place, const char* key) const {
    if (!j[key].is_string()) refuse(place + ": '" + key + "' must be a text, got " + j[key].dump());
    return j[key];
  }
  double number(const Json& j, const std::string& place, const char* key) const {
    if (!j[key].is_number() || !(j[key].get<double>() >= 0)) refuse(place + ": '" + key + "' must be a number of at least 0, got " + j[key].dump());
    return j[key];
  }
  template <class T, size_t N>
  T one_of(const Json& j, const std::string& place, const char* key, const T (&all)[N]) const {
    const std::string got = word(j, place, key);
    std::string names;
    for (const T t : all) {
      if (got == kintsugi::name(t)) return t;
      names += std::string(names.empty() ? "" : ", ") + kintsugi::name(t);
    }
    refuse(place + ": '" + key + "' must be one of " + names + ", got '" + got + "'");
  }

 private:
  std::string where_;
};

}  // namespace

std::vector<TunedChoice> best_choices(const std::vector<Measurement>& results, const MeasureOptions& options) {
  struct Candidate {
    double seconds = 0;
    int shapes = 0;
    const Measurement* first = nullptr;
  };
  using Problem = std::tuple<std::string, std::string, double, double>;  // family, kind, FLOPs, bytes
  std::map<Problem, std::map<std::string, Candidate>> problems;
  std::map<Problem, std::set<std::string>> shapes;
  const auto all = bench_families();
  for (const Measurement& m : results) {
    const BenchFamily* f = family_named(all, m.family);
    if (m.samples == 0 || !f || !f->costs_anywhere) continue;
    if (!candidates(*f->family, options.device.kind).contains(m.row)) continue;
    const Problem problem{m.family, m.kind, m.cost.flops, m.cost.bytes};
    Candidate& c = problems[problem][m.row];
    c.seconds += m.seconds;
    ++c.shapes;
    if (!c.first) c.first = &m;
    shapes[problem].insert(m.shape);
  }
  std::vector<TunedChoice> choices;
  for (const auto& [problem, rows] : problems) {
    if (rows.size() < 2) continue;  // nothing was compared
    const std::pair<const std::string, Candidate>* best = nullptr;
    for (const auto& row : rows)
      if (row.second.shapes == int(shapes[problem].size()) && (!best || row.second.seconds < best->second.seconds)) best = &row;
    if (!best) continue;
    std::string names;
    for (const std::string& s : shapes[problem]) names += (names.empty() ? "" : "; ") + s;
    const Measurement& m = *best->second.first;
    choices.push_back({m.family, names, m.row, options.device.kind, options.dtype, m.kind, m.cost.flops, m.cost.bytes, best->second.seconds});
  }
  return choices;
}

std::string to_json_text(const std::vector<TunedChoice>& choices) {
  nlohmann::ordered_json j{{"what", kWhat}, {"format", 1}, {"choices", nlohmann::ordered_json::array()}};
  for (const TunedChoice& c : choices)
    j["choices"].push_back({{"family", c.family}, {"shape", c.shape}, {"device", name(c.device)}, {"dtype", name(c.dtype)}, {"row", c.row},
                            {"kind", c.kind}, {"flops", c.flops}, {"bytes", c.bytes}, {"seconds", c.seconds}});
  return j.dump(2) + "\n";
}

std::vector<TunedChoice> choices_from_json(const std::string& json, const std::string& where) {
  const Reader r(where);
  Json j;
  try {
    j = Json::parse(json);
  } catch (const Json::parse_error& e) {
    r.refuse(text("is no JSON: ", e.what()));
  }
  r.keys(j, "the file", {"what", "format", "choices"});
  if (j["what"] != kWhat) r.refuse(text("'what' must be '", kWhat, "', got ", j["what"].dump()));
  if (j["format"] != 1) r.refuse("'format' must be 1, got " + j["format"].dump());
  if (!j["choices"].is_array()) r.refuse("'choices' must be a list");
  std::vector<TunedChoice> choices;
  const auto all = bench_families();
  for (size_t i = 0; i < j["choices"].size(); ++i) {
    const Json& one = j["choices"][i];
    const std::string place = text("choice ", i + 1);
    r.keys(one, place, {"family", "shape", "device", "dtype", "row", "kind", "flops", "bytes", "seconds"});
    TunedChoice c;
    c.family = r.word(one, place, "family"), c.shape = r.word(one, place, "shape"), c.row = r.word(one, place, "row"), c.kind = r.word(one, place, "kind");
    c.device = r.one_of(one, place, "device", kKinds), c.dtype = r.one_of(one, place, "dtype", kTypes);
    c.flops = r.number(one, place, "flops"), c.bytes = r.number(one, place, "bytes"), c.seconds = r.number(one, place, "seconds");
    const BenchFamily* f = family_named(all, c.family);
    std::string names;
    if (!f) {
      for (const BenchFamily& b : all) names += (names.empty() ? "" : ", ") + b.name();
      r.refuse(text(place, ": no family is called '", c.family, "'; there are: ", names));
    }
    bool known = false, any = false;
    for (const RowInfo& row : f->family->row_infos()) {
      any |= row.where == c.device;
      known |= row.where == c.device && row.name == c.row;
      names += text("\n  ", row.name, " (", name(row.where), ")");
    }
    // A file made where there was a GPU names its rows in a build without nvcc too, where nothing will ask for them.
    if (!known && (any || c.device != DeviceKind::cuda)) r.refuse(text(place, ": ", c.family, " has no row '", c.row, "' on ", name(c.device), "; there are:", names));
    choices.push_back(std::move(c));
  }
  return choices;
}

TunedKernels::TunedKernels(const std::string& path)
    : TunedKernels([&] {
        const MappedFile file(path);
        return choices_from_json(std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()), path);
      }()) {}

TunedKernels::TunedKernels(std::vector<TunedChoice> choices) {
  for (const BenchFamily& f : bench_families())
    for (TunedChoice& c : choices)
      if (c.family == f.name()) families_.try_emplace(f.family, OfFamily{f, {}}).first->second.choices.push_back(std::move(c));
  preference_.emplace([this](const FamilyInfo& family, DeviceKind where, const void* args) { return row_for(family, where, args); });
}

std::string TunedKernels::row_for(const FamilyInfo& family, DeviceKind where, const void* args) const {
  const auto found = families_.find(&family);
  if (found == families_.end()) return {};
  const BenchFamily& bench = found->second.bench;
  if (!bench.costs_anywhere) return {};
  const Cost cost = bench.cost(args);
  for (const TunedChoice& c : found->second.choices)
    if (c.device == where && c.flops == cost.flops && c.bytes == cost.bytes && c.kind == bench.kind(args)) return c.row;
  return {};
}

}  // namespace kintsugi::bench
