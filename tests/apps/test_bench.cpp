// The bench: every family has shapes, rows are checked before they are timed, and its reports hold together. Nothing here asks how long
// anything took.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/bench/report.h"
#include "apps/bench/restore.h"
#include "apps/bench/roofline.h"
#include "apps/bench/statistics.h"
#include "kernels/softmax.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
using namespace kintsugi::bench;

namespace {

Machine made_up_machine() {
  Machine m;
  m.processor = "a <made-up> machine & more", m.simd = "none", m.cores = 2, m.cache = 1 << 16;
  m.roofs = {{1, 100e9, 10e9}, {2, 180e9, 12e9}};
  return m;
}

// A row that gets every number wrong.
std::unique_ptr<Prepared> prepare_wrong(const SoftmaxFwd& a, int) {
  return prepared([&a] {
    for (int64_t i = 0; i < a.rows * a.width; ++i) static_cast<float*>(a.y)[i] = 0.5f;
  });
}
std::string takes_everything(const SoftmaxFwd&) { return ""; }

std::vector<Measurement> measured(const MeasureOptions& options) {
  const Yardstick wrong{"wrong", "1", "", {yardstick_row<SoftmaxFwd, takes_everything, prepare_wrong>("softmax_fwd", "wrong", "")}};
  std::vector<Measurement> all;
  measure(options, made_up_machine(), {wrong}, [&](const BenchFamily& f, const std::vector<Measurement>& rows) {
    CHECK(f.name() == "softmax_fwd");
    all.insert(all.end(), rows.begin(), rows.end());
  });
  return all;
}
MeasureOptions quick() {
  MeasureOptions o;
  o.families = {"softmax_fwd"}, o.shapes = "256x1024", o.seconds = 1e-4;
  return o;
}

// Opening and closing tags pair up, attributes are quoted, no stray < or &.
void check_xml(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t i = 0; i < xml.size(); ++i) {
    if (xml[i] == '&') {
      const size_t end = xml.find(';', i);
      REQUIRE(end != std::string::npos);
      const std::string name = xml.substr(i + 1, end - i - 1);
      const bool known = name == "amp" || name == "lt" || name == "gt" || name == "quot";
      CHECK(known);
    }
    CHECK(xml[i] != '>');
    if (xml[i] != '<') continue;
    const size_t end = xml.find('>', i);
    REQUIRE(end != std::string::npos);
    const std::string tag = xml.substr(i + 1, end - i - 1);
    CHECK(std::count(tag.begin(), tag.end(), '"') % 2 == 0);
    if (tag[0] == '/') {
      REQUIRE(!open.empty());
      CHECK(open.back() == tag.substr(1));
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    i = end;
  }
  CHECK(open.empty());
}
int occurrences(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("bench: every kernel family has performance shapes, with names of their own") {
  for (const FamilyInfo* f : all_families()) {
    INFO(f->name(), " has no shapes; see docs/bench.md");
    const BenchFamily* bench = find_bench(*f);
    REQUIRE(bench != nullptr);
    std::set<std::string> names;
    for (const auto& s : bench->shapes) names.insert(s.name);
    CHECK(!names.empty());
    CHECK(names.size() == bench->shapes.size());
    CHECK(bench->rows().size() == f->row_infos().size());
  }
  CHECK(bench_families().size() == all_families().size());
}

TEST_CASE("bench: medians and floors") {
  CHECK(median({3}) == 3);
  CHECK(median({5, 1, 3}) == 3);
  CHECK(median({4, 1, 3, 100}) == 3.5);
  CHECK_THROWS_AS(median({}), Error);
  const Roof roof{1, 100e9, 10e9};
  CHECK(roof.floor_seconds({100e9, 1}) == doctest::Approx(1));
  CHECK(roof.floor_seconds({1, 5e9}) == doctest::Approx(0.5));
  CHECK(roof.compute_bound({100e9, 1e9}));
  CHECK(!roof.compute_bound({1e9, 1e9}));
  CHECK(made_up_machine().roof(2).flops == 180e9);
  CHECK_THROWS_AS(made_up_machine().roof(3), Error);
  CHECK(time_text(1.5) == "1.50 s");
  CHECK(time_text(0.0234) == "23.4 ms");
  CHECK(time_text(456e-6) == "456 us");
  CHECK(bytes_text(67108864) == "67.1 MB");
  CHECK(fits("fast", ""));
  CHECK(fits("128->128 3x3 @256", "3x3 @"));
  CHECK(fits("winograd", "wino*"));
  CHECK(!fits("fast", "ref"));
  CHECK(!fits("winograd", "*4"));
}

TEST_CASE("bench: problems repeat themselves, and differences show") {
  Arrays a, b;
  const auto *x = static_cast<const float*>(a.normal(1000)), *y = static_cast<const float*>(b.normal(1000));
  CHECK(std::equal(x, x + 1000, y));
  float *p = a.out<float>(4), *q = b.out<float>(4);
  CHECK(std::isinf(worst_difference(a, b)));  // nothing was written
  for (int i = 0; i < 4; ++i) p[i] = q[i] = float(i);
  CHECK(worst_difference(a, b) == 0);
  p[1] = 1.03f;
  CHECK(worst_difference(a, b) == doctest::Approx(0.01));
  a.out<int64_t>(1)[0] = 3;
  b.out<int64_t>(1)[0] = 4;
  CHECK(std::isinf(worst_difference(a, b)));
}

TEST_CASE("bench: rows are checked, then timed; a wrong one is not timed") {
  const auto rows = measured(quick());
  REQUIRE(rows.size() == 3);
  for (const Measurement& m : rows) {
    CAPTURE(m.row);
    CHECK(m.cost.bytes == 2 * 4 * 256 * 1024);
    CHECK(m.arrays == 2 * 4 * 256 * 1024);
    CHECK(!m.on_small);
    CHECK(m.wrong == (m.row == "wrong"));
    CHECK((m.samples > 0) == !m.wrong);
    CHECK((m.seconds > 0) == !m.wrong);
    CHECK(m.best <= m.seconds);
  }
  CHECK(rows[0].row == "fast");
  CHECK(rows[0].difference < 1e-6);
  CHECK(rows[2].not_timed.find("differs from ref") != std::string::npos);
  MeasureOptions only = quick();
  only.rows = {"fa*"};
  CHECK(measured(only).size() == 1);
}

TEST_CASE("bench: names that fit nothing are refused") {
  for (auto spoil : {+[](MeasureOptions& o) { o.families = {"sofmax_fwd"}; }, +[](MeasureOptions& o) { o.rows = {"fast", "slow"}; },
                     +[](MeasureOptions& o) { o.shapes = "12x12"; }, +[](MeasureOptions& o) { o.threads = 2, o.clock = Clock::cpu; }}) {
    MeasureOptions options = quick();
    spoil(options);
    CHECK_THROWS_AS(check(options, {}), UsageError);
  }
}

TEST_CASE("bench: options that would do nothing are refused by name") {
  const std::pair<const char*, const char*> wrong[] = {
      {"--size 64", "bench: has no use for --size"},
      {"softmax_fwd --layers", "bench: has no use for --layers"},
      {"restore --rows fast", "bench restore: has no use for --rows"},
      {"restore --pictures x", "bench restore: has no use for --pictures"},
      {"restore --tune x.json", "bench restore: has no use for --tune"},
      {"loading --pictures x --w 1", "bench loading: has no use for --w"},
      {"loading --pictures x --seconds 1", "bench loading: has no use for --seconds"},
      {"loading --pictures x --device sim", "bench loading: runs on the CPU, got --device sim"},
      {"softmax_fwd --emulate --csv x.csv", "bench --emulate: has no use for --csv"},
      {"softmax_fwd --list", "bench --list: has no use for FAMILY"},
      {"restore --size 64 --clock cpu --threads 2", "give --threads 1 with it"},
  };
  for (const auto& [arguments, message] : wrong) check_refused(run_program(std::string("bench ") + arguments), 2, {message});
}

TEST_CASE("bench: table, JSON, CSV and roofline of one run") {
  Report report{made_up_machine(), quick(), {{"absentia", "", "not installed"}}, measured(quick())};
  const std::string head = header_text(report.machine, report.options, report.yardsticks), table = shape_text(report.results, report.machine, report.options);
  CHECK(head.find("absentia: absent (not installed)") != std::string::npos);
  CHECK(table.find("256x1024") != std::string::npos);
  CHECK(occurrences(table, "% of floor") == 2);
  CHECK(table.find("WRONG") != std::string::npos);

  const auto json = nlohmann::json::parse(to_json(report).dump());
  CHECK(json["machine"]["roofs"].size() == 2);
  CHECK(json["yardsticks"][0]["absent"] == "not installed");
  REQUIRE(json["results"].size() == 3);
  for (const auto& r : json["results"]) {
    for (const char* key : {"family", "shape", "row", "device", "dtype", "flops", "bytes", "floor_seconds", "bound", "checked_on", "difference", "wrong",
                            "not_timed", "array_bytes"})
      CHECK_MESSAGE(r.contains(key), key);
    for (const char* key : {"seconds", "best_seconds", "samples", "repeats", "copies", "gflop_per_s", "gb_per_s", "percent_of_floor"})
      CHECK_MESSAGE(r.contains(key) == !r["wrong"].get<bool>(), key);
    if (!r["wrong"]) CHECK(r["percent_of_floor"].get<double>() == doctest::Approx(100 * r["floor_seconds"].get<double>() / r["seconds"].get<double>()));
  }

  std::istringstream csv(to_csv(report));
  int lines = 0;
  for (std::string line; std::getline(csv, line); ++lines) CHECK(occurrences(line, ",") == 15);
  CHECK(lines == 3);

  const std::string svg = to_svg(report);
  check_xml(svg);
  CHECK(svg.find("a &lt;made-up&gt; machine &amp; more") != std::string::npos);
  CHECK(occurrences(svg, "<title>") == 2);
  CHECK(occurrences(svg, "<polyline") == 2);
}

TEST_CASE("bench: a roofline of nothing, and of dots that have no place on it") {
  check_xml(roofline_svg("", {}, {}));
  const std::string svg = roofline_svg("t", {{1e11, 1e10, "one", true}}, {{0, 1e9, "copy", "moves only"}, {2, INFINITY, "x", "y"}, {2, 1e9, "fast", "\"ok\""}});
  check_xml(svg);
  CHECK(occurrences(svg, "<title>") == 1);
}

TEST_CASE("bench: as a command") {
  const Scratch folder;
  const ProgramRun list = run_program("bench --list");
  CHECK(list.exit_code == 0);
  for (const FamilyInfo* f : all_families()) CHECK_MESSAGE(list.out.find(f->name()) != std::string::npos, f->name());
  check_refused(run_program("bench conv9"), 2, {"no family fits 'conv9'", "--list"});
  check_refused(run_program("bench restore --size 100"), 2, {"--size", "multiple of 32", "100"});
  check_refused(run_program("bench softmax_fwd --clock sun"), 2, {"--clock", "sun"});
  const ProgramRun run = run_program("bench softmax_fwd --rows fast,ref --shapes 256x --seconds 0.001 --threads 1 --json " + quoted(folder / "b.json") + " --csv " +
                                     quoted(folder / "b.csv") + " --svg " + quoted(folder / "b.svg"));
  CAPTURE(run.output);
  CHECK(run.exit_code == 0);
  CHECK(nlohmann::json::parse(content(folder / "b.json"))["results"].size() == 2);
  CHECK(occurrences(content(folder / "b.csv"), "\n") == 3);
  check_xml(content(folder / "b.svg"));
}

TEST_CASE("bench restore: a small picture") {
  const RestoreRun run = measure_restore(64, 0.5, 1, Clock::wall);
  CHECK(run.seconds.size() == 1);
  CHECK(run.parameters > 300e6);
  CHECK(run.tensors >= run.parameters);
  CHECK(to_text(run).find("64x64") != std::string::npos);
  CHECK(run.fullest().alive > 64 * 64 * 128 * sizeof(float));  // the widest map
  CHECK(run.maps >= run.fullest().alive);
  CHECK(layers_text(run).find("conv2d in generator.") != std::string::npos);
  const auto json = nlohmann::json::parse(to_json(run, made_up_machine(), quick()).dump());
  CHECK(json["restore"]["size"] == 64);
}
