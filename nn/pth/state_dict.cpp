#include "nn/pth/state_dict.h"

#include <cstdio>
#include <cstdlib>
#include <unordered_set>

namespace kintsugi {
namespace {

using Kind = PickleKind;

constexpr int kMostDepth = 64;
// A container can stand in many places, so a small pickle can describe a huge tree: this bounds the walk.
constexpr size_t kMostVisits = 4'000'000;
constexpr size_t kMostName = 1024, kMostNameBytes = 64 << 20;

// UTF-8 without control characters, which could steer the terminal that a name is printed on.
bool is_text(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const auto lead = uint8_t(s[i]);
    const size_t more = lead < 0x80                   ? 0
                        : lead >= 0xc2 && lead < 0xe0 ? 1
                        : lead >= 0xe0 && lead < 0xf0 ? 2
                        : lead >= 0xf0 && lead < 0xf5 ? 3
                                                      : 4;
    if (more == 4 || i + more >= s.size() || lead < ' ' || lead == 0x7f) return false;
    uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    for (size_t k = 1; k <= more; ++k) {
      const auto next = uint8_t(s[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return false;
    i += more + 1;
  }
  return true;
}

std::string number(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.17g", v);
  for (int digits = 1; digits < 17; ++digits) {  // the shortest that reads back to v
    char shorter[32];
    std::snprintf(shorter, sizeof shorter, "%.*g", digits, v);
    if (std::strtod(shorter, nullptr) == v) return shorter;
  }
  return buffer;
}

class Finder {
 public:
  Finder(const Pickle& pickle, const std::string& path) : pickle_(pickle), path_(path) {}

  StateDict find() {
    const PickleValue& root = pickle_.root;
    if (root.kind != Kind::dict) {
      walk(root, root.kind == Kind::tensor ? "tensor" : "", 0);
      finish();
      return std::move(out_);
    }
    const PickleValue* chosen = choose(items(root));
    const auto& entries = items(root);
    for (size_t i = 0; i < entries.size(); i += 2) {
      if (!chosen) {
        walk(entries[i + 1], key(entries[i]), 1);
      } else if (&entries[i] == chosen) {
        out_.chosen = key(entries[i]);
        walk(entries[i + 1], "", 1);
      } else {
        report(key(entries[i]), describe(entries[i + 1]) + (holds_tensors(entries[i + 1], 1) ? " (not used)" : ""));
      }
    }
    finish();
    return std::move(out_);
  }

 private:
  const std::vector<PickleValue>& items(const PickleValue& v) const { return pickle_.object(v).items; }
  static bool is_container(const PickleValue& v) { return v.kind == Kind::dict || v.kind == Kind::list || v.kind == Kind::tuple; }

  // The key whose value holds the network, or null when the whole object does.
  const PickleValue* choose(const std::vector<PickleValue>& entries) {
    for (const char* wanted : {"params_ema", "params", "params_d", "state_dict"})
      for (size_t i = 0; i < entries.size(); i += 2)
        if (entries[i].kind == Kind::string && pickle_.text(entries[i]) == wanted && entries[i + 1].kind == Kind::dict &&
            holds_tensors(entries[i + 1], 1))
          return &entries[i];
    const PickleValue* only = nullptr;
    for (size_t i = 0; i < entries.size(); i += 2) {
      if (!holds_tensors(entries[i + 1], 1)) continue;
      if (only || entries[i + 1].kind != Kind::dict || entries[i].kind != Kind::string) return nullptr;
      only = &entries[i];
    }
    return only;
  }

  void count_visit(int depth) {
    KIN_CHECK(depth <= kMostDepth, path_, ": its containers are nested more than ", kMostDepth, " deep");
    KIN_CHECK(++visits_ <= kMostVisits, path_, ": its containers unfold to more than ", kMostVisits, " values");
  }

  bool holds_tensors(const PickleValue& v, int depth) {
    count_visit(depth);
    if (v.kind == Kind::tensor) return true;
    if (!is_container(v)) return false;
    const auto& list = items(v);
    for (size_t i = v.kind == Kind::dict; i < list.size(); i += v.kind == Kind::dict ? 2 : 1)
      if (holds_tensors(list[i], depth + 1)) return true;
    return false;
  }

  // Notes every tensor below v; a container without any is one entry of `others`.
  void walk(const PickleValue& v, const std::string& name, int depth) {
    count_visit(depth);
    KIN_CHECK(name.size() <= kMostName, path_, ": a name has more than ", kMostName, " characters: '", shown(name), "'");
    if (v.kind == Kind::tensor) return note(v, name);
    if (!is_container(v) || !holds_tensors(v, depth)) return report(name, describe(v));
    const auto& list = items(v);
    const size_t step = v.kind == Kind::dict ? 2 : 1;
    for (size_t i = 0; i + step <= list.size(); i += step) {
      const std::string part = v.kind == Kind::dict ? key(list[i]) : std::to_string(i);
      walk(list[i + step - 1], name.empty() ? part : name + "." + part, depth + 1);
    }
  }

  void note(const PickleValue& v, std::string name) {
    while (name.starts_with("module.")) name.erase(0, 7);
    KIN_CHECK(is_text(name), path_, ": the name of a tensor is not text: '", shown(name), "'");
    KIN_CHECK((name_bytes_ += name.size()) <= kMostNameBytes, path_, ": the names of its tensors take more than ", kMostNameBytes,
              " bytes");
    KIN_CHECK(taken_.insert(name).second, path_, ": two tensors are named '", shown(name), "'");
    out_.tensors.push_back({std::move(name), uint32_t(v.integer)});
  }

  void report(const std::string& name, std::string what) {
    if (out_.others.size() < StateDict::kMostOthers)
      out_.others.push_back({name.size() <= kMostName && is_text(name) ? name : shown(name), std::move(what)});
    else ++out_.more_others;
  }

  std::string key(const PickleValue& v) const {
    if (v.kind == Kind::string) return std::string(pickle_.text(v));
    if (v.kind == Kind::integer) return std::to_string(v.integer);
    return "(" + describe(v) + ")";
  }

  std::string describe(const PickleValue& v) const {
    switch (v.kind) {
      case Kind::none: return "None";
      case Kind::boolean: return v.integer ? "True" : "False";
      case Kind::integer: return std::to_string(v.integer);
      case Kind::real: return number(v.real);
      case Kind::big_integer: return "a large integer";
      case Kind::string: return "'" + shown(pickle_.text(v)) + "'";
      case Kind::bytes: return text(pickle_.text(v).size(), " bytes");
      case Kind::tuple: return text("tuple of ", items(v).size());
      case Kind::list: return text("list of ", items(v).size());
      case Kind::dict: return text("dict of ", items(v).size() / 2);
      case Kind::storage: return "a storage";
      case Kind::tensor: return "a tensor";
      case Kind::global:
      case Kind::placeholder: return text(shown(pickle_.text(v)), ".", shown(pickle_.object(v).name), " (not read)");
    }
    return "?";
  }

  void finish() const {
    if (!out_.tensors.empty()) return;
    std::string found;
    for (size_t i = 0; i < out_.others.size() && i < 5; ++i)
      found += text(i ? ", " : "", out_.others[i].name, out_.others[i].name.empty() ? "" : ": ", out_.others[i].what);
    fail(path_, ": holds no tensors (", found.empty() ? "it is empty" : found, ")");
  }

  const Pickle& pickle_;
  const std::string path_;
  StateDict out_;
  std::unordered_set<std::string> taken_;
  size_t visits_ = 0, name_bytes_ = 0;
};

}  // namespace

StateDict find_state_dict(const Pickle& pickle, const std::string& path) { return Finder(pickle, path).find(); }

}  // namespace kintsugi
