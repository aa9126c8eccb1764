// Asks every op case every question of tests/harness/op_case.h and prints how many checks that was.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "autograd/engine.h"
#include "autograd/gradcheck.h"
#include "kernels/base/device_runtime.h"
#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/simt/emulator.h"
#include "kernels/table.h"
#include "tensor/random.h"
#include "tests/harness/op_case.h"

using namespace kintsugi;
using namespace kintsugi::testing;

namespace {

std::map<std::string, int> checks_made;
void count(const std::string& question) { ++checks_made[question]; }

Draw draw_of(const Sample& s, size_t input) { return input < s.draws.size() ? s.draws[input] : s.draw; }

// How a sample is run: in which type, where, and to which type its inputs are rounded first, so that runs in different types see
// exactly the same numbers.
struct Setting {
  DType dtype = DType::f32;
  Device device = {};
  DType rounded = DType::f32;
};

Tensor prepared(const Tensor& f64, const Setting& setting) {
  return f64.to(DType::f32).to(setting.rounded).to(setting.dtype).to(setting.device);
}

Vars inputs_of(const OpCase& c, const Sample& s, const Setting& setting) {
  Vars inputs;
  for (size_t i = 0; i < s.shapes.size(); ++i) {
    const Draw d = draw_of(s, i);
    Tensor t = random_normal(s.shapes[i], d.mean, d.std, 7, c.op + "/" + s.name, i, DType::f64).to(DType::f32);
    for (float& v : t.span<float>())
      if (std::fabs(v - d.kink) < d.kink_gap) v = float(d.kink + (v < d.kink ? -d.kink_gap : d.kink_gap));
    inputs.push_back(Var(prepared(t, setting), c.differentiable));
  }
  return inputs;
}

struct Result {
  Tensor out;
  std::vector<Tensor> grads;
};

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!a || !b) return !a && !b;
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Forward and backward with a fixed random seed gradient, all memory poisoned.
Result run(const OpCase& c, const Sample& s, const Setting& setting) {
  PoisonGuard poison;
  const Vars inputs = inputs_of(c, s, setting);
  std::vector<Tensor> before;
  for (const Var& v : inputs) before.push_back(v.value().clone());
  const Var y = c.run(inputs, s);
  Result r{y.value().host(), {}};
  if (c.differentiable) {
    const Tensor seed = prepared(random_normal(y.shape(), 0, 1, 8, c.op, 0, DType::f64), setting);
    for (const Var& g : grad(y, inputs, Var(seed))) r.grads.push_back(g ? g.value().host() : Tensor());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    CHECK_MESSAGE(same_bits(before[i].host(), inputs[i].value().host()), c.op, "/", s.name, ": input ", i, " was changed");
    count("bounds");
  }
  return r;
}

// max|a-b| / max|b|; infinity for anything not finite (a poisoned element that was never written).
double max_error(const Tensor& a, const Tensor& b) {
  double worst = 0, scale = 1e-30;
  for (int64_t i = 0; i < b.numel(); ++i) {
    const double x = a.item(i), y = b.item(i);
    if (!std::isfinite(x) || !std::isfinite(y)) return INFINITY;
    worst = std::max(worst, std::fabs(x - y));
    scale = std::max(scale, std::fabs(y));
  }
  return worst / scale;
}

double l2_error(const Tensor& a, const Tensor& b, double floor) {
  double d = 0, n = 0;
  for (int64_t i = 0; i < b.numel(); ++i) {
    const double x = a.item(i), y = b.item(i);
    if (!std::isfinite(x) || !std::isfinite(y)) return INFINITY;
    d += (x - y) * (x - y);
    n += y * y;
  }
  return std::sqrt(d) / std::max(std::sqrt(n), floor);
}

const FamilyInfo& family(const std::string& name) {
  for (const auto* f : all_families())
    if (name == f->name()) return *f;
  FAIL("no kernel family named ", name);
  throw Error("unreachable");
}

struct LevelGuard {
  SimdLevel old = simd_level();
  ~LevelGuard() { set_simd_level(old); }
};

// Runs body once with the default rows, once for every named row of each family of the case, and once with the default rows for
// every instruction set below the machine's best.
template <class Body>
void for_each_row(const OpCase& c, Body&& body) {
  body("default");
  std::set<std::string> rows;
  for (const auto& f : c.families)
    for (const auto& r : family(f).row_infos())
      if (r.where == DeviceKind::cpu) rows.insert(f + "=" + r.name);
  for (const auto& choice : rows) {
    const auto eq = choice.find('=');
    KernelChoice guard(choice.substr(0, eq), choice.substr(eq + 1));
    body(choice);
  }
  for (SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2}) {
    LevelGuard guard;
    if (level >= guard.old) continue;
    set_simd_level(level);
    body(std::string("default rows, ") + name(level));
  }
}

// A named row may refuse a sample: that is an answer, not a failure, as long as another row takes it.
template <class F>
bool refused(const std::string& row, F&& f) {
  if (row == "default") return f(), false;
  try {
    f();
    return false;
  } catch (const Error& e) {
    if (std::string(e.what()).find("takes these arguments") != std::string::npos) return true;
    throw;
  }
}

// The answers every other row is compared with: `ref` in f64 on the CPU, on inputs rounded to f32 or bf16.
Result truth_of(const OpCase& c, const Sample& s, DType rounded = DType::f32) {
  std::vector<std::unique_ptr<KernelChoice>> refs;
  for (const auto& f : c.families) refs.push_back(std::make_unique<KernelChoice>(f, "ref"));
  return run(c, s, {DType::f64, {}, rounded});
}

struct Tolerance {
  double forward, grad;
};
Tolerance f32_tolerance(const OpCase& c, const Sample& s) {
  const double forward = s.f32_tolerance > 0 ? s.f32_tolerance : c.f32_tolerance;
  return {forward, c.f32_grad_tolerance > 0 ? c.f32_grad_tolerance : 10 * forward};
}

void check_against(const Result& truth, const Result& got, Tolerance tolerance, const std::string& question) {
  double largest = 0;  // gradients that are zero by theory are compared on the scale of the largest one
  for (const Tensor& g : truth.grads)
    if (g) largest = std::max(largest, l2_error(Tensor::zeros(g.shape(), DType::f64), g, 1.0) * 1.0);
  const double e = max_error(got.out, truth.out);
  CHECK_MESSAGE(e <= tolerance.forward, "forward: error ", e, " > ", tolerance.forward);
  count("forward" + question);
  for (size_t i = 0; i < truth.grads.size(); ++i) {
    REQUIRE(bool(got.grads[i]) == bool(truth.grads[i]));
    if (!truth.grads[i]) continue;
    const double ge = l2_error(got.grads[i], truth.grads[i], 1e-3 * largest + 1e-30);
    CHECK_MESSAGE(ge <= tolerance.grad, "grad of input ", i, ": error ", ge, " > ", tolerance.grad);
    count("grad" + question);
  }
}

void check_forward_and_grad(const OpCase& c, const Sample& s, const Result& truth) {
  for_each_row(c, [&](const std::string& row) {
    Result got;
    if (refused(row, [&] { got = run(c, s, {DType::f32}); })) return;
    INFO(c.op, " / ", s.name, " / ", row);
    check_against(truth, got, f32_tolerance(c, s), " f32");
  });
}

// ---- rows of the emulated GPU, and of a GPU where there is one ---------------------------------------------------------------------

constexpr uint64_t kMostSwitches = 400'000;  // of one run of one sample: a few hundredths of a second

// ThreadSanitizer asks what threads of the host share, and a fiber costs it a hundred times what it costs elsewhere: that build runs each
// row of the emulated GPU on its small samples once, blocks over all threads. Schedules, types and differences are for the other builds.
#ifdef __SANITIZE_THREAD__
constexpr bool kAsksThreads = true;
#else
constexpr bool kAsksThreads = false;
#endif
constexpr uint64_t kMostSwitchesOfThreads = 20'000;

struct DeviceRow {
  std::set<std::string> samples;  // that it ran
  bool ragged = false;            // one of them had an element count that no vector width divides
  std::set<std::string> too_large;
  int bf16 = 0;                   // samples it ran in bf16
};
std::map<std::string, DeviceRow> sim_rows, cuda_rows;  // by "family=row"

enum class Answer { given, refused, too_large };

template <class F>
Answer ask(F&& f, uint64_t most_switches = kMostSwitches) {
  try {
    simt::SizeCap cap(most_switches);
    f();
    return Answer::given;
  } catch (const Error& e) {
    const std::string what = e.what();
    if (what.find(simt::kTooLarge) != std::string::npos) return Answer::too_large;
    if (what.find("takes these arguments") != std::string::npos) return Answer::refused;
    throw;
  }
}

// Under each of the schedules: forward, gradient and bounds; a deterministic row gives the same bits each time.
Answer check_schedules(const OpCase& c, const Sample& s, const Setting& setting, const Result& truth, Tolerance tolerance, const RowInfo& info,
                       std::initializer_list<simt::Schedule> schedules) {
  const std::string question = text(" ", name(setting.device.kind), " ", name(setting.dtype));
  Result first;
  for (simt::Schedule schedule : schedules) {
    simt::ScheduleGuard order(schedule);
    INFO(std::string(name(setting.dtype)), ", schedule ", std::string(simt::name(schedule)));  // doctest prints a char* as an address
    Result got;
    const Answer answer = ask([&] { got = run(c, s, setting); });
    if (answer != Answer::given) return answer;
    if (setting.dtype == DType::bf16 && got.out.dtype() == DType::i64) return Answer::refused;
    check_against(truth, got, tolerance, question);
    if (first.out && info.deterministic) {
      CHECK(same_bits(first.out, got.out));
      for (size_t i = 0; i < got.grads.size(); ++i) CHECK(same_bits(first.grads[i], got.grads[i]));
      count(setting.device.kind == DeviceKind::sim ? "schedules" : "determinism cuda");
    }
    if (!first.out) first = got;
  }
  return Answer::given;
}

using Schedules = std::initializer_list<simt::Schedule>;
constexpr Schedules kAllSchedules = {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled};

// bf16: inputs rounded to it, compared with `ref` in f64 on the same rounded inputs. The result is rounded once (by half a unit,
// at most 2^-8 of the element) and what backward saved once more. All schedules where the row takes nothing else.
Answer check_bf16(const OpCase& c, const Sample& s, const RowInfo& info, Device device, bool takes_f32) {
  const Setting setting{DType::bf16, device, DType::bf16};
  const Tolerance tolerance{c.bf16_tolerance, 2 * c.bf16_tolerance};
  try {
    const Result truth = truth_of(c, s, DType::bf16);
    if (takes_f32) return check_schedules(c, s, setting, truth, tolerance, info, {simt::Schedule::shuffled});
    return check_schedules(c, s, setting, truth, tolerance, info, kAllSchedules);
  } catch (const Error& e) {  // another part of the op does not know the type
    if (std::string(e.what()).find("bf16") == std::string::npos) throw;
    return Answer::refused;
  }
}

// The row on the emulated GPU with its blocks over the threads of the host, which a size cap forbids: first within the cap, to see that it
// is small, then without.
Answer check_threads(const OpCase& c, const Sample& s, Device device, const Result& truth, Tolerance tolerance) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Setting setting{dtype, device, dtype};
    Result alone;
    Answer answer;
    try {
      answer = ask([&] { alone = run(c, s, setting); }, kMostSwitchesOfThreads);
    } catch (const Error& e) {  // another part of the op does not know bf16
      if (dtype == DType::f32 || std::string(e.what()).find("bf16") == std::string::npos) throw;
      return Answer::refused;
    }
    if (answer == Answer::refused) continue;
    if (answer == Answer::given) {
      const Result spread = run(c, s, setting);
      CHECK(same_bits(alone.out, spread.out));
      for (size_t i = 0; i < alone.grads.size(); ++i) CHECK(same_bits(alone.grads[i], spread.grads[i]));
      count("threads sim");
      if (dtype == DType::f32) check_against(truth, spread, tolerance, " threads sim");
    }
    return answer;
  }
  return Answer::refused;
}

// Every row of the case on the device, f32 and bf16. On a GPU, which knows no schedules, that is as often again.
void check_device_rows(const OpCase& c, const Sample& s, const Result& truth, Device device, std::map<std::string, DeviceRow>& rows) {
  for (const auto& f : c.families) {
    for (const auto& info : family(f).row_infos()) {
      if (info.where != device.kind) continue;
      const std::string row = f + "=" + info.name;
      INFO(c.op, " / ", s.name, " / ", row, " on ", std::string(name(device.kind)));
      KernelChoice guard(f, info.name);
      Tolerance tolerance = f32_tolerance(c, s);
      if (const auto own = c.row_tolerance.find(row); own != c.row_tolerance.end()) tolerance = {own->second, std::max(tolerance.grad, 2 * own->second)};
      if (kAsksThreads) {
        const Answer answer = check_threads(c, s, device, truth, tolerance);
        if (answer == Answer::given) rows[row].samples.insert(c.op + "/" + s.name);
        if (answer == Answer::too_large) rows[row].too_large.insert(c.op + "/" + s.name);
        continue;
      }
      const Answer f32 = check_schedules(c, s, {DType::f32, device}, truth, tolerance, info, kAllSchedules);
      const Answer bf16 = f32 == Answer::too_large ? f32 : check_bf16(c, s, info, device, f32 == Answer::given);
      DeviceRow& did = rows[row];
      if (f32 == Answer::too_large || bf16 == Answer::too_large) did.too_large.insert(c.op + "/" + s.name);
      if (f32 != Answer::given && bf16 != Answer::given) continue;
      did.samples.insert(c.op + "/" + s.name);
      if (bf16 == Answer::given) ++did.bf16;
      // A row that takes bf16 alone reads lines of 8 elements; ragged for it is what no tile divides.
      const int64_t width = f32 == Answer::given ? 4 : 64;
      did.ragged |= std::any_of(s.shapes.begin(), s.shapes.end(), [&](const Shape& shape) { return shape.numel() % width != 0; });
    }
  }
}

bool environment(const char* name, const char* value) {
  const char* set = std::getenv(name);
  return set && std::string(set) == value;
}
// KINTSUGI_TEST_DEVICE=cuda: nothing else is asked. KINTSUGI_TEST_SMALL=1: samples that compute-sanitizer can afford.
bool gpu_only() { return environment("KINTSUGI_TEST_DEVICE", "cuda"); }
bool affordable(const Sample& s) {
  int64_t n = 0;
  for (const Shape& shape : s.shapes) n += shape.numel();
  return n <= 4096 || !environment("KINTSUGI_TEST_SMALL", "1");
}

void check_differences(const OpCase& c, const Sample& s) {
  if (!c.differentiable) return;
  const Vars inputs = inputs_of(c, s, {DType::f64});
  ParameterList named;
  for (size_t i = 0; i < inputs.size(); ++i) named.push_back({"input" + std::to_string(i), inputs[i]});
  // The step is relative to an input's rms; with a large mean that would be a step over many standard deviations.
  GradcheckOptions o{.directions = 2};
  double ratio = 1;
  for (size_t i = 0; i < s.shapes.size(); ++i) {
    const Draw d = draw_of(s, i);
    ratio = std::min(ratio, d.std / std::hypot(d.mean, d.std));
  }
  o.step *= ratio;
  auto f = [&] { return c.run(inputs, s); };
  INFO(c.op, " / ", s.name);
  for (const auto& r : gradcheck(f, named, o)) {
    CHECK_MESSAGE(r.error <= c.f64_grad_tolerance, "grad of ", r.name, ": analytic ", r.analytic, ", differences ", r.numeric, ", error ", r.error);
    count("grad f64");
  }
  if (!c.gradgrad) return;
  for (const auto& r : gradgradcheck(f, named, o)) {
    CHECK_MESSAGE(r.error <= 10 * c.f64_grad_tolerance, "gradgrad of ", r.name, ": analytic ", r.analytic, ", differences ", r.numeric, ", error ", r.error);
    count("gradgrad");
  }
}

void check_determinism(const OpCase& c, const Sample& s) {
  const int before = threads();
  Result first;
  for (int n : {1, 1, 2, 3}) {
    set_threads(n);
    const Result r = run(c, s, {DType::f32});
    if (!first.out) {
      first = r;
      continue;
    }
    INFO(c.op, " / ", s.name, " with ", n, " threads");
    CHECK(same_bits(first.out, r.out));
    for (size_t i = 0; i < r.grads.size(); ++i) CHECK(same_bits(first.grads[i], r.grads[i]));
    count("determinism");
  }
  set_threads(before);
}

}  // namespace

TEST_CASE("op cases") {
  for (const OpCase& c : op_cases()) {
    SUBCASE(c.op.c_str()) {
      for (const Sample& s : c.samples) {
        if (!affordable(s)) continue;
        const Result truth = truth_of(c, s);
        if (device_runtime(DeviceKind::cuda).refuses(0).empty()) check_device_rows(c, s, truth, {DeviceKind::cuda}, cuda_rows);
        if (gpu_only()) continue;
        check_forward_and_grad(c, s, truth);
        check_device_rows(c, s, truth, {DeviceKind::sim}, sim_rows);
        if (!kAsksThreads) check_differences(c, s);
        check_determinism(c, s);
      }
      for (const ErrorSample& e : c.errors) {
        INFO(c.op, " / error: ", e.name);
        std::string message;
        try {
          e.run();
        } catch (const Error& error) {
          message = error.what();
        }
        CHECK_MESSAGE(!message.empty(), "no Error was thrown");
        for (const auto& part : e.parts) CHECK_MESSAGE(message.find(part) != std::string::npos, "'", part, "' is not in: ", message);
        count("errors");
      }
    }
  }
}

TEST_CASE("every kernel family has an op case") {
  std::set<std::string> named;
  for (const OpCase& c : op_cases()) named.insert(c.families.begin(), c.families.end());
  for (const auto* f : all_families()) CHECK_MESSAGE(named.count(f->name()) == 1, std::string(f->name()), " has no case in tests/ops");
}

TEST_SUITE("zz summary") {
  TEST_CASE("every row of the emulated GPU ran a ragged sample and another") {
    if (sim_rows.empty()) return;  // the op cases were not chosen
    for (const FamilyInfo* f : all_families())
      for (const RowInfo& row : f->row_infos())
        if (row.where == DeviceKind::sim) CHECK_MESSAGE(sim_rows.contains(f->name() + ("=" + row.name)), f->name(), "=", row.name, " ran no sample");
    int pairs = 0;
    if (kAsksThreads) {
      std::string none;
      for (const auto& [row, did] : sim_rows) pairs += int(did.samples.size()), none += did.samples.empty() ? " " + row : "";
      MESSAGE(sim_rows.size(), " rows of the emulated GPU over threads, ", pairs, " pairs of row and sample; without a sample that is small enough:",
              none.empty() ? " none" : none);
      return;
    }
    std::string skipped, without_bf16;
    for (const auto& [row, did] : sim_rows) {
      CHECK_MESSAGE(did.samples.size() >= 2, row, " ran ", did.samples.size(), " samples");
      CHECK_MESSAGE(did.ragged, row, " ran no ragged sample");
      pairs += int(did.samples.size());
      if (!did.bf16) without_bf16 += " " + row;
      for (const auto& sample : did.too_large) skipped += "\n  " + row + " on " + sample;
    }
    MESSAGE(sim_rows.size(), " rows of the emulated GPU, ", pairs, " pairs of row and sample, each under 3 schedules; skipped for size:",
            skipped.empty() ? " none" : skipped, "\n  never run in bf16:", without_bf16.empty() ? " none" : without_bf16);
  }
  TEST_CASE("every row of a GPU ran a sample, where there is a GPU") {
    if (const std::string why = device_runtime(DeviceKind::cuda).refuses(0); !why.empty()) {
      MESSAGE("rows of a GPU: not run (", why, ")");
      return;
    }
    int pairs = 0;
    for (const FamilyInfo* f : all_families())
      for (const RowInfo& r : f->row_infos())
        if (r.where == DeviceKind::cuda && cuda_rows[std::string(f->name()) + "=" + r.name].samples.empty())
          MESSAGE(f->name(), "=", r.name, " on cuda: refused every sample");
    for (const auto& [row, did] : cuda_rows) pairs += int(did.samples.size());
    MESSAGE(cuda_rows.size(), " rows of a GPU, ", pairs, " pairs of row and sample");
  }
  TEST_CASE("count of op checks") {
    int total = 0;
    std::string list;
    for (const auto& [question, n] : checks_made) {
      total += n;
      list += " " + question + " " + std::to_string(n) + ",";
    }
    MESSAGE(op_cases().size(), " op cases, ", total, " checks:", list);
  }
}
