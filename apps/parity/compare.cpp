#include "apps/parity/compare.h"

#include <algorithm>
#include <cmath>

#include "apps/parity/formula.h"

namespace kintsugi::parity {
namespace {

std::vector<double> doubles(const Tensor& there) {
  const Tensor t = there.host();
  std::vector<double> v(size_t(t.numel()));
  for (size_t i = 0; i < v.size(); ++i) v[i] = t.item(int64_t(i));
  return v;
}

/// Like max, but a NaN wins, so that it cannot hide behind a finite error.
void raise(double& worst, double value) {
  if (!(value <= worst)) worst = value;
}

double ratio(double difference, double scale) { return difference == 0 ? 0 : difference / scale; }

std::string at_index(int64_t i, double got, double want) { return text("[", i, "] ", got, " for ", want); }

}  // namespace

void Check::row(const std::string& tensor, const char* rule, double error, double tolerance, std::string note) {
  rows_.push_back({tensor, dtype_, rule, error, tolerance, error <= tolerance, std::move(note)});
}

bool Check::gradient_in_doubt() const {
  return std::any_of(rows_.begin(), rows_.end(), [](const Comparison& c) { return !c.ok && c.gradient && c.dtype == DType::f32; });
}

void Check::settle_kinks() {
  for (Comparison& c : rows_) {
    if (c.ok || !c.gradient || c.dtype != DType::f32) continue;
    // An Adam step's error counts allowed differences, not a share of the gradient: an entry that moved the other way is 2 lr off.
    const bool step = std::string_view(c.rule) == "adam";
    if (!step && !(c.error <= tolerance::kink)) continue;
    c.kink = std::any_of(rows_.begin(), rows_.end(), [&](const Comparison& twin) {
      return twin.ok && twin.dtype == DType::f64 && twin.tensor == c.tensor && (step || twin.error <= tolerance::kink_twin);
    });
    c.ok = c.kink;
  }
}

void Check::fail(const std::string& tensor, std::string note) {
  rows_.push_back({tensor, dtype_, "failed", INFINITY, 0, false, std::move(note)});
}

bool Check::same_shape(const std::string& tensor, const Tensor& got, const Tensor& want) {
  // The files store a loss as [1] or as [], which says nothing about the loss.
  if (got.shape() == want.shape() || (got.numel() == 1 && want.numel() == 1)) return true;
  fail(tensor, text("shape ", got.shape(), ", stored ", want.shape()));
  return false;
}

void Check::values(const std::string& tensor, const Tensor& got, const Tensor& want, double tolerance, const Order& order, double scale) {
  const Tensor mine = to_stored(got, order);
  if (!same_shape(tensor, mine, want)) return;
  const std::vector<double> a = doubles(mine), b = doubles(want);
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    scale = std::max(scale, std::abs(b[i]));
    const double before = worst;
    raise(worst, std::abs(a[i] - b[i]));
    if (worst != before) where = i;
  }
  row(tensor, "max", ratio(worst, scale), tolerance, a.empty() ? "" : at_index(int64_t(where), a[where], b[where]));
}

void Check::l2(const std::string& tensor, const Tensor& got, const Tensor& want, double tolerance, const Order& order, double scale) {
  const Tensor mine = to_stored(got, order);
  if (!same_shape(tensor, mine, want)) return;
  const std::vector<double> a = doubles(mine), b = doubles(want);
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  row(tensor, "l2", ratio(std::sqrt(difference), std::max(std::sqrt(norm), scale)), tolerance);
  mark_gradient();
}

void Check::number(const std::string& tensor, double got, double want, double tolerance) {
  row(tensor, "number", ratio(std::abs(got - want), std::abs(want)), tolerance, text(got, " for ", want));
}

void Check::exact(const std::string& tensor, const Tensor& got, const Tensor& want, const Order& order, double allowed) {
  const Tensor mine = to_stored(got, order);
  if (!same_shape(tensor, mine, want)) return;
  double worst = 0;
  int64_t differing = 0;
  for (int64_t i = 0, n = want.numel(); i < n; ++i) {
    const double difference = std::abs(mine.item(i) - want.item(i));
    raise(worst, difference);
    differing += difference != 0;
  }
  row(tensor, "exact", worst, allowed, differing ? text(differing, " of ", want.numel(), " differ") : "");
}

void Check::zero(const std::string& tensor, const Tensor& got, double scale, double tolerance) {
  double worst = 0;
  for (double v : doubles(got)) raise(worst, std::abs(v));
  row(tensor, "zero", ratio(worst, scale), tolerance);
}

void Check::adam_step(const std::string& tensor, const Tensor& got, const Tensor& want, const Tensor& stored_gradient, double lr,
                      bool zero_in_theory, const Order& order) {
  const Tensor mine = to_stored(got, order);
  if (!same_shape(tensor, mine, want) || !same_shape(tensor, stored_gradient, want)) return;
  const std::vector<double> a = doubles(mine), b = doubles(want), g = doubles(stored_gradient);
  double largest = 0, worst = 0;
  for (double v : g) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < a.size(); ++i) {
    const bool either_way = zero_in_theory || std::abs(g[i]) < 1e-3 * largest;
    raise(worst, std::abs(a[i] - b[i]) / (either_way ? 2.1 * lr : 1e-6));
  }
  row(tensor, "adam", worst, 1);
  mark_gradient();
}

Summary summarise(const Tensor& gradient, const std::string& salt, const std::string& name, const Order& order) {
  const Tensor g = to_stored(gradient, order);
  const Tensor probe = formula(salt, name + "#probe", g.shape());
  Summary s;
  for (int64_t i = 0, n = g.numel(); i < n; ++i) {
    s.norm += g.item(i) * g.item(i);
    s.probe += g.item(i) * double(probe.data<float>()[i]);
  }
  s.norm = std::sqrt(s.norm);
  return s;
}

void check_table(Check& check, const std::string& tensor, const std::vector<TableEntry>& entries, double norm_tolerance,
                 double probe_tolerance) {
  double largest = 0;
  for (const TableEntry& e : entries) largest = std::max(largest, e.want.norm);
  struct Worst {
    double error = 0;
    std::string name;
    void see(double e, const std::string& n) {
      if (!(e <= error)) error = e, name = n;
    }
  } norm, probe, zero;
  int zeros = 0;
  for (const TableEntry& e : entries) {
    if (e.want.norm < 1e-9 * largest) {
      zero.see(ratio(e.got.norm, largest), e.name);
      ++zeros;
      continue;
    }
    norm.see(ratio(std::abs(e.got.norm - e.want.norm), e.want.norm), e.name);
    probe.see(ratio(std::abs(e.got.probe - e.want.probe), e.want.norm), e.name);
  }
  check.row(tensor + " norms", "table", norm.error, norm_tolerance, norm.name);
  check.mark_gradient();
  check.row(tensor + " probes", "table", probe.error, probe_tolerance, probe.name);
  check.mark_gradient();
  if (zeros) check.row(tensor + " zeros", "table", zero.error, tolerance::zero, zero.name);
}

}  // namespace kintsugi::parity
