#include "apps/cli/toml_reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <sstream>

#include "kernels/base/error.h"

namespace kintsugi {

struct TomlReader::Document {
  explicit Document(toml::table t = {}) : table(std::move(t)) {}
  toml::table table;
};

namespace {

std::string kind(const toml::node& n) {
  std::ostringstream out;
  out << n.type();
  return out.str();
}

template <class... Parts>
[[noreturn]] void usage(const Parts&... parts) {
  throw UsageError(text(parts...));
}

void collect_keys(const toml::table& t, const std::string& prefix, std::vector<std::pair<std::string, const toml::node*>>& keys) {
  for (const auto& [k, v] : t) {
    const std::string key = prefix + std::string(k.str());
    if (const auto* sub = v.as_table()) collect_keys(*sub, key + ".", keys);
    else keys.emplace_back(key, &v);
  }
}

int edit_distance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = int(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int up = row[j];
      row[j] = std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = up;
    }
  }
  return row[b.size()];
}

// Where a value stands: a line of its file, or the command line.
std::string where(const std::string& name, const toml::node& n) {
  const toml::source_region& at = n.source();
  return at.begin.line == 0 ? "--set" : text(at.path ? *at.path : name, ":", at.begin.line);
}

// Finds values and words the complaint when one is wrong.
struct Place {
  const std::string& name;
  const char* key;
  const toml::node* node;

  [[noreturn]] void wrong(const std::string& expected) const {
    std::ostringstream found;
    if (node->is_table()) found << "a table";
    else node->visit([&](const auto& n) { found << n; });
    usage(where(name, *node), ": ", key, " must be ", expected, ", got ", found.str(), " (", kind(*node), ")");
  }
};

// Moves over what `table` does not have; moved values still know their file and line.
void fill_in(toml::table& table, toml::table&& base) {
  for (auto&& [key, value] : base) {
    toml::node* own = table.get(key);
    if (!own) table.insert(key, std::move(value));
    else if (own->is_table() && value.is_table()) fill_in(*own->as_table(), std::move(*value.as_table()));
  }
}

// `above` holds the files that rest on this one.
toml::table read_file(const std::string& path, std::vector<std::string> above) {
  if (std::filesystem::is_directory(path)) usage(path, ": expected a TOML file, found a folder");
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& e) {
    if (e.source().begin.line == 0) usage(path, ": ", e.description());
    usage(path, ":", e.source().begin.line, ": not TOML: ", e.description());
  }
  const toml::node* base = table.get("base");
  if (!base) return table;
  if (!base->is_string()) Place{path, "base", base}.wrong("the name of a TOML file");
  const auto below = (std::filesystem::path(path).parent_path() / base->value<std::string>().value()).lexically_normal().string();
  above.push_back(std::filesystem::path(path).lexically_normal().string());
  if (std::count(above.begin(), above.end(), below)) usage(where(path, *base), ": base must be another file, got ", below, ", which rests on this one");
  if (!std::filesystem::exists(below)) usage(where(path, *base), ": base must be a file, got ", below, ", which is not there");
  table.erase("base");
  fill_in(table, read_file(below, std::move(above)));
  return table;
}

bool is_one_of(const std::string& word, const std::vector<std::string>& allowed) {
  return std::find(allowed.begin(), allowed.end(), word) != allowed.end();
}

int checked_int(const Place& p, const toml::node& n, int least, int most) {
  const auto v = n.value_exact<int64_t>();
  if (!v || *v < least || *v > most) p.wrong(text("a whole number from ", least, " to ", most));
  return int(*v);
}

double checked_number(const Place& p, const toml::node& n, double least, double most) {
  const auto v = n.is_number() ? n.value<double>() : std::nullopt;
  if (!v || !(*v >= least && *v <= most)) p.wrong(text("a number from ", least, " to ", most));
  return *v;
}

}  // namespace

std::string closest(const std::string& word, const std::set<std::string>& candidates) {
  std::string best;
  int distance = std::max<int>(2, int(word.size()) / 3) + 1;
  for (const auto& c : candidates)
    if (const int d = edit_distance(word, c); d < distance) distance = d, best = c;
  return best;
}

TomlReader::TomlReader(const std::string& path) : document_(std::make_unique<Document>(read_file(path, {}))), name_(path) {}

TomlReader::TomlReader(const std::string& content, const std::string& name) : document_(std::make_unique<Document>()), name_(name) {
  try {
    document_->table = toml::parse(content, name);
  } catch (const toml::parse_error& e) {
    usage(name, ":", e.source().begin.line, ": not TOML: ", e.description());
  }
}

TomlReader::~TomlReader() = default;

void TomlReader::set(const std::string& assignment) {
  const auto eq = assignment.find('=');
  if (eq == std::string::npos || eq == 0) usage("--set ", assignment, ": must be KEY=VALUE");
  const std::string key = assignment.substr(0, eq), value = assignment.substr(eq + 1);
  toml::table parsed;
  try {
    parsed = toml::parse("v = " + value);
  } catch (const toml::parse_error&) {
    parsed = toml::table{{"v", value}};
  }
  toml::table* t = &document_->table;
  std::istringstream path(key);
  std::vector<std::string> parts;
  for (std::string part; std::getline(path, part, '.');) parts.push_back(part);
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    t->insert(parts[i], toml::table{});
    t = t->get(parts[i])->as_table();
    if (!t) usage("--set ", assignment, ": ", parts[i], " is not a table");
  }
  t->insert_or_assign(parts.back(), *parsed.get("v"));
}

#define KIN_FIND(key)                                   \
  asked_.insert(key);                                   \
  const auto view = document_->table.at_path(key);      \
  if (!view) return;                                    \
  const Place place{name_, key, view.node()}

void TomlReader::get(const char* key, std::string& out) {
  KIN_FIND(key);
  if (!view.is_string()) place.wrong("a string");
  out = *view.value<std::string>();
}

void TomlReader::get(const char* key, std::string& out, const std::vector<std::string>& allowed) {
  KIN_FIND(key);
  const auto v = view.value_exact<std::string>();
  if (!v || !is_one_of(*v, allowed)) place.wrong(fmt::format("one of {}", fmt::join(allowed, ", ")));
  out = *v;
}

void TomlReader::get(const char* key, bool& out) {
  KIN_FIND(key);
  const auto v = view.value_exact<bool>();
  if (!v) place.wrong("true or false");
  out = *v;
}

void TomlReader::get(const char* key, int& out, int least, int most) {
  KIN_FIND(key);
  out = checked_int(place, *view.node(), least, most);
}

void TomlReader::get(const char* key, uint64_t& out) {
  KIN_FIND(key);
  const auto v = view.value_exact<int64_t>();
  if (!v || *v < 0) place.wrong("a whole number >= 0");
  out = uint64_t(*v);
}

void TomlReader::get(const char* key, double& out, double least, double most) {
  KIN_FIND(key);
  out = checked_number(place, *view.node(), least, most);
}

void TomlReader::get(const char* key, std::vector<int>& out, int least, int most) {
  KIN_FIND(key);
  if (!view.is_array()) place.wrong("a list of whole numbers");
  out.clear();
  for (const auto& e : *view.as_array()) out.push_back(checked_int(place, e, least, most));
}

void TomlReader::get(const char* key, std::vector<double>& out, double least, double most) {
  KIN_FIND(key);
  if (!view.is_array()) place.wrong("a list of numbers");
  out.clear();
  for (const auto& e : *view.as_array()) out.push_back(checked_number(place, e, least, most));
}

void TomlReader::get(const char* key, std::vector<std::string>& out, const std::vector<std::string>& allowed) {
  KIN_FIND(key);
  const std::string expected = fmt::format("a list of some of {}", fmt::join(allowed, ", "));
  if (!view.is_array()) place.wrong(expected);
  out.clear();
  for (const auto& e : *view.as_array()) {
    const auto v = e.value_exact<std::string>();
    if (!v || !is_one_of(*v, allowed)) place.wrong(expected);
    out.push_back(*v);
  }
}

void TomlReader::get(const char* key, std::pair<double, double>& out, double least, double most) {
  KIN_FIND(key);
  const auto* list = view.as_array();
  if (!list || list->size() != 2) place.wrong("[low, high]");
  out = {checked_number(place, *list->get(0), least, most), checked_number(place, *list->get(1), least, most)};
  if (out.first > out.second) place.wrong("[low, high] with low <= high");
}
#undef KIN_FIND

void TomlReader::finish() {
  std::vector<std::pair<std::string, const toml::node*>> keys;
  collect_keys(document_->table, "", keys);
  std::string complaint;
  for (const auto& [key, node] : keys) {
    if (asked_.count(key)) continue;
    const std::string hint = closest(key, asked_);
    complaint += text(complaint.empty() ? "" : "\n", where(name_, *node), ": unknown key ", key,
                      hint.empty() ? "" : "; did you mean ", hint, hint.empty() ? "" : "?");
  }
  if (!complaint.empty()) throw UsageError(complaint);
}

}  // namespace kintsugi
