#include "apps/bench/measure.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "apps/bench/statistics.h"
#include "kernels/base/parallel.h"
#include "kernels/base/pattern.h"

namespace kintsugi::bench {
namespace {

using Row = BenchFamily::Row;

constexpr double kLeastSample = 4e-3;  // seconds; shorter ones would measure the clock
constexpr int kLeastSamples = 5, kMostSamples = 200;

struct Problem {
  Arrays arrays;
  std::shared_ptr<const void> args;
};
std::unique_ptr<Problem> make_problem(const BenchFamily::Shape& shape, bool small) {
  auto p = std::make_unique<Problem>();
  p->args = shape.make(p->arrays, small);
  return p;
}

bool any_fits(const std::string& name, const std::vector<std::string>& patterns) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return matches_pattern(name, p); });
}

std::vector<Row> rows_of(const BenchFamily& family, const std::vector<Yardstick>& yardsticks, int threads) {
  std::vector<Row> rows;
  for (auto& r : family.rows())
    if (r.where == DeviceKind::cpu) rows.push_back(std::move(r));
  for (const auto& y : yardsticks)
    for (const auto& r : y.rows)
      if (r.family == family.name())
        rows.push_back({r.name, r.note, DeviceKind::cpu, r.refuses,
                        [&r, threads](const Context&, const void* a) { return r.prepare(a, threads); }});
  return rows;
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
  double sample(int repeats, Clock clock) {
    const double start = seconds_now(clock);
    for (int i = 0; i < repeats; ++i) {
      copies[next]->run();
      next = (next + 1) % copies.size();
    }
    return (seconds_now(clock) - start) / repeats;
  }
};

class ShapeRun {
 public:
  ShapeRun(const BenchFamily& family, const BenchFamily::Shape& shape, const MeasureOptions& options, const Machine& machine)
      : family_(family), shape_(shape), options_(options), roof_(machine.roof(options.threads)), cache_(machine.cache) {}

  std::vector<Measurement> operator()(const std::vector<Row>& rows) {
    auto first = make_problem(shape_, false);
    const Cost cost = family_.cost(first->args.get());
    std::vector<const Row*> taken;
    for (const Row& r : rows)
      if (r.refuses(first->args.get()).empty() && (any_fits(r.name, options_.rows) || r.name == "ref")) taken.push_back(&r);
    std::vector<Measurement> results;
    for (const Row* r : taken) {
      Measurement m;
      m.family = family_.name(), m.shape = shape_.name, m.row = r->name;
      m.cost = cost;
      m.arrays = first->arrays.bytes();
      results.push_back(m);
    }
    first.reset();
    check(taken, results);
    time(taken, results);
    std::erase_if(results, [&](const Measurement& m) { return !any_fits(m.row, options_.rows); });
    return results;
  }

 private:
  bool slow_ref(double seconds) const {
    return seconds > kPatience && std::find(options_.rows.begin(), options_.rows.end(), "ref") == options_.rows.end();
  }

  // Every row against `ref`, on the shape itself where `ref` finishes soon enough.
  void check(const std::vector<const Row*>& rows, std::vector<Measurement>& results) {
    const auto ref = std::find_if(rows.begin(), rows.end(), [](const Row* r) { return r->name == "ref"; });
    KIN_CHECK(ref != rows.end(), "bench: ", family_.name(), " has no row named ref that takes ", shape_.name);
    bool small = shape_.has_small;
    auto truth = make_problem(shape_, small);
    const Cost checked = family_.cost(truth->args.get());
    const auto p = (*ref)->prepare({}, truth->args.get());
    const double took = timed(*p, Clock::wall);
    const Cost& cost = results.front().cost;
    const double full = small ? took * std::max(cost.flops / std::max(checked.flops, 1.0), cost.bytes / checked.bytes) : took;
    if (small && full < kPatience / 4) {
      small = false;
      truth = make_problem(shape_, false);
      (*ref)->prepare({}, truth->args.get())->run();
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      Measurement& m = results[i];
      m.on_small = small;
      if (m.row == "ref" && slow_ref(full)) m.not_timed = text("about ", std::lround(full), " s a run; --rows ref times it");
      if (m.row == "ref") continue;
      const auto problem = make_problem(shape_, small);
      const auto row = rows[i]->prepare({}, problem->args.get());
      row->run();
      row->finish();
      m.difference = worst_difference(problem->arrays, truth->arrays);
      m.wrong = !(m.difference <= shape_.tolerance);
      if (m.wrong) m.not_timed = text("differs from ref by ", m.difference, ", more than ", shape_.tolerance);
    }
  }

  // Rows take turns, so that other work on the machine meets all of them alike.
  void time(const std::vector<const Row*>& rows, std::vector<Measurement>& results) {
    std::vector<std::unique_ptr<Problem>> problems;
    const size_t bytes = results.front().arrays;
    size_t copies = 1;
    if (!roof_.compute_bound(results.front().cost) || bytes < cache_ / 64) copies = std::clamp<size_t>(2 * cache_ / std::max<size_t>(bytes, 1) + 1, 1, 256);
    for (size_t i = 0; i < copies; ++i) problems.push_back(make_problem(shape_, false));
    std::vector<Subject> subjects;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!results[i].not_timed.empty() || !any_fits(results[i].row, options_.rows)) continue;
      Subject s{rows[i], &results[i], {}, 0, {}, 0};
      for (const auto& p : problems) s.copies.push_back(rows[i]->prepare({}, p->args.get()));
      warm_up(s);
      subjects.push_back(std::move(s));
    }
    for (bool more = true; more;) {
      more = false;
      for (Subject& s : subjects) {
        if (finished(s)) continue;
        const double mean = s.sample(s.result->repeats, options_.clock);
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
    m.extra = fresh_peak([&] { s.copies[0]->run(); });
    m.extra_known = peak_memory() > 0;
    s.sample(1, options_.clock);
    const double once = s.sample(1, options_.clock);
    m.repeats = int(std::clamp(std::ceil(kLeastSample / std::max(once, 1e-9)), 1.0, 1e5));
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

void check(const MeasureOptions& options, const std::vector<Yardstick>& yardsticks) {
  if (options.clock == Clock::cpu && options.threads != 1)
    throw UsageError("bench: --clock cpu counts one thread's time; give --threads 1 with it");
  Fitted families("family", options.families), rows("row", options.rows), shapes("shape", {options.shapes});
  for (const auto& f : bench_families()) {
    if (!any_fits(f.name(), options.families)) continue;
    families.seen(f.name());
    for (const auto& r : rows_of(f, yardsticks, options.threads)) rows.seen(r.name);
    for (const auto& s : f.shapes) shapes.seen(s.name);
  }
  families.check();
  rows.check();
  shapes.check();
}

void measure(const MeasureOptions& options, const Machine& machine, const std::vector<Yardstick>& yardsticks,
             const std::function<void(const BenchFamily&, const std::vector<Measurement>&)>& done) {
  check(options, yardsticks);
  for (const auto& f : bench_families()) {
    if (!any_fits(f.name(), options.families)) continue;
    const auto rows = rows_of(f, yardsticks, options.threads);
    for (const auto& s : f.shapes)
      if (fits(s.name, options.shapes)) done(f, ShapeRun(f, s, options, machine)(rows));
  }
}

}  // namespace kintsugi::bench
