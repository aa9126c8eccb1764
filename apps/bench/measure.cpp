#include "apps/bench/measure.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <thread>

#include "apps/bench/statistics.h"
#include "apps/bench/stopwatch.h"
#include "kernels/base/parallel.h"
#include "kernels/base/pattern.h"
#include "kernels/base/proc.h"

namespace kintsugi::bench {
namespace {

using Row = BenchFamily::Row;

constexpr double kLeastSample = 4e-3;  // seconds; shorter ones would measure the clock
constexpr int kLeastSamples = 5, kMostSamples = 200;

struct Problem {
  Arrays arrays;
  std::shared_ptr<const void> args;
};
std::unique_ptr<Problem> make_problem(const BenchFamily::Shape& shape, ProblemSize size, Material material) {
  auto p = std::make_unique<Problem>(Problem{Arrays(material), nullptr});
  p->args = shape.make(p->arrays, size);
  return p;
}

// Of its largest element: bf16 rounds to 2^-9 whatever else happens, tf32 rounds the factors to 2^-11.
constexpr double kBf16Tolerance = 0x1p-6, kTf32Tolerance = 0x1p-10;
double tolerance_of(const BenchFamily::Shape& shape, const Row& row, DType dtype) {
  if (dtype == DType::bf16) return std::max(shape.tolerance, kBf16Tolerance);
  return row.name.find("tf32") != std::string::npos ? std::max(shape.tolerance, kTf32Tolerance) : shape.tolerance;
}

// Runs f where nothing is left from earlier kernels: on a new thread with new workers, whose working memory goes when they end.
// Returns what the process held at its peak beyond what it held before.
template <class F>
size_t fresh_peak(F&& f) {
  const int n = threads();
  set_threads(1);
  set_threads(n);
  malloc_trim(0);
  const size_t before = memory_now();
  reset_peak_memory();
  std::exception_ptr error;
  std::thread([&] {
    try {
      f();
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  const size_t peak = peak_memory();
  if (error) std::rethrow_exception(error);
  return peak > before ? peak - before : 0;
}

double timed(Prepared& p, Clock clock) {
  const double start = seconds_now(clock);
  p.run();
  return seconds_now(clock) - start;
}

// One row at work on every copy of a shape's problem.
struct Subject {
  const Row* row;
  Measurement* result;
  std::vector<std::unique_ptr<Prepared>> copies;
  size_t next = 0;
  std::vector<double> samples;
  double spent = 0;

  // The mean of `repeats` runs, each on the next copy.
  double sample(int repeats, Stopwatch& watch) {
    const double seconds = watch.time([&] {
      for (int i = 0; i < repeats; ++i) {
        copies[next]->run();
        next = (next + 1) % copies.size();
      }
    });
    return seconds / repeats;
  }
};

class ShapeRun {
 public:
  ShapeRun(const BenchFamily& family, const BenchFamily::Shape& shape, const MeasureOptions& options, const Machine& machine, Stopwatch& watch)
      : family_(family), shape_(shape), options_(options), roof_(machine.roof(options.threads)), cache_(machine.cache), watch_(watch) {}

  std::vector<Measurement> operator()(const std::vector<Row>& rows) {
    auto first = make_problem(shape_, timed_size(), material());
    const std::string kind = family_.kind(first->args.get());
    const Cost cost = on_cpu() ? family_.cost(first->args.get()) : cost_on_host(timed_size());
    std::vector<const Row*> taken;
    for (const Row& r : rows)
      if (r.refuses(first->args.get()).empty() && (any_fits(r.name, options_.rows) || r.name == "ref")) taken.push_back(&r);
    std::vector<Measurement> results;
    for (const Row* r : taken) {
      Measurement m;
      m.family = family_.name(), m.shape = shape_.name, m.row = r->name;
      m.kind = kind, m.cost = cost;
      m.arrays = first->arrays.bytes();
      results.push_back(m);
    }
    first.reset();
    if (taken.empty()) return {};
    check(taken, results);
    time(taken, results);
    std::erase_if(results, [&](const Measurement& m) { return !any_fits(m.row, options_.rows); });
    return results;
  }

 private:
  bool on_cpu() const { return options_.device.kind == DeviceKind::cpu; }
  ProblemSize timed_size() const { return options_.device.kind == DeviceKind::sim ? ProblemSize::tiny : ProblemSize::full; }
  Material material() const { return {options_.device, options_.dtype, options_.dtype}; }
  // What a row's results are compared with: `ref` in f32 on the same numbers.
  Material truth_material() const { return {{}, DType::f32, options_.dtype}; }
  Cost cost_on_host(ProblemSize size) const { return family_.cost(make_problem(shape_, size, {{}, options_.dtype, options_.dtype})->args.get()); }

  bool slow_ref(double seconds) const {
    return seconds > kPatience && std::find(options_.rows.begin(), options_.rows.end(), "ref") == options_.rows.end();
  }

  // Every row against `ref`, on the shape itself where `ref` finishes soon enough. A GPU's rows, which wait for it, are checked on the
  // shrunken problem wherever there is one.
  void check(const std::vector<const Row*>& rows, std::vector<Measurement>& results) {
    const auto own = family_.rows();
    const auto ref = std::find_if(own.begin(), own.end(), [](const Row& r) { return r.name == "ref" && r.where == DeviceKind::cpu; });
    KIN_CHECK(ref != own.end(), "bench: ", family_.name(), " has no row named ref");
    ProblemSize size = timed_size() == ProblemSize::tiny ? ProblemSize::tiny : shape_.has_small ? ProblemSize::small : ProblemSize::full;
    auto truth = make_problem(shape_, size, truth_material());
    const Cost checked = family_.cost(truth->args.get());
    const double took = timed(*ref->prepare({}, truth->args.get()), Clock::wall);
    const Cost& cost = results.front().cost;
    double full = took;
    if (size == ProblemSize::small) {
      full = took * std::max(cost.flops / std::max(checked.flops, 1.0), cost.bytes / checked.bytes);
      if (on_cpu() && full < kPatience / 4) {
        size = ProblemSize::full;
        truth = make_problem(shape_, size, truth_material());
        ref->prepare({}, truth->args.get())->run();
      }
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      Measurement& m = results[i];
      m.on_small = size != timed_size();
      if (m.row == "ref" && slow_ref(full)) m.not_timed = text("about ", std::lround(full), " s a run; --rows ref times it");
      if (m.row == "ref") continue;
      const auto problem = make_problem(shape_, size, material());
      if (const std::string why = rows[i]->refuses(problem->args.get()); !why.empty()) {
        m.not_timed = "not checked, for the shrunken problem " + why;
        continue;
      }
      const auto row = rows[i]->prepare(watch_.context(), problem->args.get());
      row->run();
      row->finish();
      m.difference = worst_difference(problem->arrays, truth->arrays);
      const double tolerance = tolerance_of(shape_, *rows[i], options_.dtype);
      m.wrong = !(m.difference <= tolerance);
      if (m.wrong) m.not_timed = text("differs from ref by ", m.difference, ", more than ", tolerance);
    }
  }

  // Rows take turns, so that other work on the machine meets all of them alike.
  void time(const std::vector<const Row*>& rows, std::vector<Measurement>& results) {
    std::vector<std::unique_ptr<Problem>> problems;
    const size_t bytes = results.front().arrays;
    size_t copies = 1;
    // A GPU's L2 serves so much faster than its memory that every shape is rotated.
    if (!on_cpu() || !roof_.compute_bound(results.front().cost) || bytes < cache_ / 64)
      copies = std::clamp<size_t>(2 * cache_ / std::max<size_t>(bytes, 1) + 1, 1, 256);
    for (size_t i = 0; i < copies; ++i) problems.push_back(make_problem(shape_, timed_size(), material()));
    std::vector<Subject> subjects;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!results[i].not_timed.empty() || !any_fits(results[i].row, options_.rows)) continue;
      Subject s{rows[i], &results[i], {}, 0, {}, 0};
      for (const auto& p : problems) s.copies.push_back(rows[i]->prepare(watch_.context(), p->args.get()));
      warm_up(s);
      subjects.push_back(std::move(s));
    }
    for (bool more = true; more;) {
      more = false;
      for (Subject& s : subjects) {
        if (finished(s)) continue;
        const double mean = s.sample(s.result->repeats, watch_);
        s.samples.push_back(mean);
        s.spent += mean * s.result->repeats;
        more = true;
      }
    }
    for (Subject& s : subjects) {
      s.result->seconds = median(s.samples);
      s.result->best = *std::min_element(s.samples.begin(), s.samples.end());
      s.result->samples = int(s.samples.size());
      s.result->copies = int(copies);
    }
  }

  void warm_up(Subject& s) {
    Measurement& m = *s.result;
    if (on_cpu()) {
      m.extra = fresh_peak([&] { s.copies[0]->run(); });
      m.extra_known = peak_memory() > 0;
    } else {
      const size_t before = memory_stats(options_.device).live_bytes;
      reset_memory_peak(options_.device);
      s.copies[0]->run();
      m.extra = memory_stats(options_.device).peak_bytes - before;
      m.extra_known = true;
      m.kernels = kernels_of(*s.row);
    }
    s.sample(1, watch_);
    const double once = s.sample(1, watch_);
    m.repeats = int(std::clamp(std::ceil(kLeastSample / std::max(once, 1e-9)), 1.0, 1e5));
  }

  // Of one run, recorded and not executed. A row that cannot be recorded, as other libraries' may not, has none.
  std::vector<GraphKernel> kernels_of(const Row& row) const {
    const auto problem = make_problem(shape_, timed_size(), material());
    try {
      const DeviceGraph graph(options_.device, [&] { row.prepare({options_.device, current_stream(options_.device)}, problem->args.get())->run(); });
      return graph.kernels();
    } catch (const Error&) {
      return {};
    }
  }

  bool finished(const Subject& s) const {
    const int n = int(s.samples.size());
    if (n == 0) return false;
    if (s.samples.back() > kPatience) return true;  // a run of many seconds is its own average
    return n >= kMostSamples || (n >= kLeastSamples && s.spent >= options_.seconds);
  }

  const BenchFamily& family_;
  const BenchFamily::Shape& shape_;
  const MeasureOptions& options_;
  const Roof roof_;
  const size_t cache_;
  Stopwatch& watch_;
};

// Every pattern must have fitted something by the end: a slip would look like a fast run.
class Fitted {
 public:
  Fitted(const char* what, std::vector<std::string> patterns) : what_(what), left_(patterns.begin(), patterns.end()) {}
  void seen(const std::string& name) {
    std::erase_if(left_, [&](const std::string& p) { return fits(name, p); });
  }
  void check() const {
    if (!left_.empty()) throw UsageError(text("bench: no ", what_, " fits '", *left_.begin(), "'; --list shows what there is"));
  }

 private:
  const char* what_;
  std::set<std::string> left_;
};

}  // namespace

bool fits(const std::string& name, const std::string& pattern) {
  return pattern.empty() || matches_pattern(name, pattern) || (pattern.find('*') == std::string::npos && name.find(pattern) != std::string::npos);
}

bool any_fits(const std::string& name, const std::vector<std::string>& patterns) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return matches_pattern(name, p); });
}

std::vector<Row> rows_of(const BenchFamily& family, const std::vector<Yardstick>& yardsticks, const MeasureOptions& options) {
  std::vector<Row> rows;
  for (auto& r : family.rows())
    if (r.where == options.device.kind) rows.push_back(std::move(r));
  if (options.device.kind != DeviceKind::cpu) return rows;
  for (const auto& y : yardsticks)
    for (const auto& r : y.rows)
      if (r.family == family.name())
        rows.push_back({r.name, r.note, DeviceKind::cpu, r.refuses,
                        [&r, threads = options.threads](const Context&, const void* a) { return r.prepare(a, threads); }});
  return rows;
}

void check_clock(const MeasureOptions& options) {
  if (options.clock == Clock::cpu && (options.threads != 1 || options.device.kind != DeviceKind::cpu))
    throw UsageError("bench: --clock cpu counts one thread's time on the CPU; give --threads 1 with it");
}

void check(const MeasureOptions& options, const std::vector<Yardstick>& yardsticks) {
  check_clock(options);
  if (options.device.kind == DeviceKind::cpu && options.dtype != DType::f32) throw UsageError(text("bench: the CPU's rows compute in f32; --dtype ", options.dtype, " needs --device cuda or sim"));
  Fitted families("family", options.families), rows("row", options.rows), shapes("shape", {options.shapes});
  bool any = false;
  std::string without;
  for (const auto& f : bench_families()) {
    if (!any_fits(f.name(), options.families)) continue;
    families.seen(f.name());
    const auto own = rows_of(f, yardsticks, options);
    for (const auto& r : own) rows.seen(r.name);
    for (const auto& s : f.shapes) shapes.seen(s.name);
    any |= !own.empty();
    if (own.empty()) without += (without.empty() ? "" : ", ") + f.name();
  }
  families.check();
  if (!any) throw UsageError(text("bench: no row of ", without, " runs on ", options.device));
  rows.check();
  shapes.check();
}

void measure(const MeasureOptions& options, const Machine& machine, const std::vector<Yardstick>& yardsticks,
             const std::function<void(const BenchFamily&, const std::vector<Measurement>&)>& done) {
  Stopwatch watch(options.device, options.clock);
  std::optional<StreamGuard> here;  // arrays are filled in the order of the stream that the rows use
  if (watch.context().stream) here.emplace(options.device, watch.context().stream);
  for (const auto& f : bench_families()) {
    if (!any_fits(f.name(), options.families)) continue;
    const auto rows = rows_of(f, yardsticks, options);
    if (rows.empty()) continue;
    for (const auto& s : f.shapes)
      if (fits(s.name, options.shapes)) done(f, ShapeRun(f, s, options, machine, watch)(rows));
  }
}

}  // namespace kintsugi::bench
