#include "apps/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "apps/cli/exit_codes.h"
#include "apps/cli/json_text.h"
#include "apps/cli/progress.h"
#include "apps/cli/stop_signals.h"
#include "data/prepare.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr size_t kShown = 5;  // examples of a list in the text; JSON has them all

// What size would do to the pictures.
struct Resizing {
  int64_t as_they_are = 0, cut = 0, shrunk = 0, enlarged = 0;
};

struct Counts {
  int64_t readable = 0, unreadable = 0, duplicates = 0, without_identity = 0;
  uint64_t bytes = 0;
  std::map<std::string, int64_t> formats;
  std::map<std::pair<int, int>, int64_t> sizes;  // width, height
  std::set<std::string> identities;
  Resizing resizing;

  Counts(const PrepareReport& report, int size) {
    for (const PictureFacts& p : report.pictures) {
      if (!p.error.empty()) {
        ++unreadable;
        continue;
      }
      ++readable;
      duplicates += p.same_as >= 0;
      bytes += p.bytes;
      ++formats[p.format];
      ++sizes[{p.w, p.h}];
      if (p.identity.empty()) ++without_identity;
      else identities.insert(p.identity);
      if (size == 0) continue;
      const int side = std::min(p.h, p.w);
      resizing.cut += p.h != p.w;
      resizing.shrunk += side > size;
      resizing.enlarged += side < size;
      resizing.as_they_are += p.h == size && p.w == size;
    }
  }
};

Json to_json(const PrepareCommand& c, const PrepareReport& report, const Counts& n) {
  Json out{{"source", c.source}, {"pictures", n.readable}, {"bytes", n.bytes}, {"formats", n.formats}};
  out["sizes"] = Json::array();
  for (const auto& [size, count] : n.sizes) out["sizes"].push_back({{"width", size.first}, {"height", size.second}, {"count", count}});
  if (c.size)
    out["resized"] = {{"size", c.size}, {"as_they_are", n.resizing.as_they_are}, {"cut", n.resizing.cut}, {"shrunk", n.resizing.shrunk},
                      {"enlarged", n.resizing.enlarged}};
  out["identities"] = n.identities.size();
  out["without_identity"] = n.without_identity;
  out["unreadable"] = Json::array(), out["duplicates"] = Json::array();
  for (const PictureFacts& p : report.pictures) {
    if (!p.error.empty()) out["unreadable"].push_back({{"file", p.name}, {"error", p.error}});
    if (p.same_as >= 0) out["duplicates"].push_back({{"file", p.name}, {"same_as", report.pictures[size_t(p.same_as)].name}, {"sha256", p.sha256}});
  }
  out["other_files"] = report.others;
  if (report.pack_bytes)
    out["pack"] = {{"file", c.out}, {"pictures", report.packed}, {"bytes", report.pack_bytes}, {"stored_as", c.size ? "rgb8" : "files"}, {"size", c.size}};
  return out;
}

template <class List, class Line>
void print_some(const List& list, Line&& line) {
  for (size_t i = 0; i < list.size() && i < kShown; ++i) fmt::print("    {}\n", line(list[i]));
  if (list.size() > kShown) fmt::print("    and {} more (--json lists them)\n", list.size() - kShown);
}

void print(const PrepareCommand& c, const PrepareReport& report, const Counts& n) {
  fmt::print("{}: {} pictures, {:.1f} MB", c.source, n.readable, double(n.bytes) / 1e6);
  for (const auto& [format, count] : n.formats) fmt::print(", {} {}", count, format);
  fmt::print("\n");
  std::vector<std::pair<std::pair<int, int>, int64_t>> sizes(n.sizes.begin(), n.sizes.end());
  std::stable_sort(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  fmt::print("  sizes (width x height): {}\n", sizes.size());
  print_some(sizes, [](const auto& s) { return fmt::format("{}x{}: {}", s.first.first, s.first.second, s.second); });
  if (c.size)
    fmt::print("  at {0}x{0}: {1} as they are, {2} shrunk, {3} enlarged; {4} cut to their middle square\n", c.size, n.resizing.as_they_are, n.resizing.shrunk,
               n.resizing.enlarged, n.resizing.cut);
  if (!n.identities.empty()) fmt::print("  identities: {}, pictures without one: {}\n", n.identities.size(), n.without_identity);
  std::vector<const PictureFacts*> unreadable, duplicates;
  for (const PictureFacts& p : report.pictures) {
    if (!p.error.empty()) unreadable.push_back(&p);
    if (p.same_as >= 0) duplicates.push_back(&p);
  }
  fmt::print("  unreadable: {}\n", unreadable.size());
  print_some(unreadable, [](const PictureFacts* p) { return p->error; });
  fmt::print("  duplicates: {}\n", duplicates.size());
  print_some(duplicates, [&](const PictureFacts* p) { return p->name + " = " + report.pictures[size_t(p->same_as)].name; });
  if (!report.others.empty()) fmt::print("  other files: {}\n", report.others.size());
  if (report.pack_bytes)
    fmt::print("{}: {} pictures, {:.1f} MB, {}\n", c.out, report.packed, double(report.pack_bytes) / 1e6,
               c.size ? fmt::format("RGB of {0}x{0}", c.size) : "stored as the files they are");
}

}  // namespace

int run_prepare(const PrepareCommand& c) {
  if (c.inspect == !c.out.empty()) throw UsageError(c.inspect ? "prepare: --inspect writes nothing; leave out --out" : "prepare: --out FILE.pack is required, or --inspect");
  if (c.inspect && c.unique) throw UsageError("prepare: --inspect writes nothing; leave out --unique");
  std::error_code absent;
  if (!c.out.empty() && fs::equivalent(c.source, c.out, absent)) throw UsageError(c.out + ": is also the source; give another --out");
  const StopSignals signals;
  PrepareOptions options{.source = c.source, .index = c.index, .out = c.out, .size = c.size, .unique = c.unique};
  std::optional<Progress> bar;
  options.progress = [&](int64_t done, int64_t all) {
    if (!bar) bar.emplace(c.inspect ? "inspect" : "prepare", all, c.quiet);
    bar->update(done);
    return StopSignals::received() == 0;
  };
  const PrepareReport report = prepare(options);
  bar.reset();
  if (report.stopped) {
    fmt::print(stderr, "stopped by a signal: nothing was written\n");
    return exit_code_of_signal(StopSignals::received());
  }
  const Counts counts(report, c.size);
  if (c.json) fmt::print("{}\n", json_text(to_json(c, report, counts)));
  else print(c, report, counts);
  return counts.unreadable == 0 ? kDone : counts.readable == 0 ? kFailed : kSomeFailed;
}

}  // namespace kintsugi
