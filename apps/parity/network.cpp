#include "apps/parity/network.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/parity/formula.h"
#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/reduce.h"
#include "nn/checkpoint.h"

namespace kintsugi::parity {
namespace {

constexpr double kZeroRow = 1e-9;  // of the largest norm: below it the true gradient is zero

struct NamedGradient {
  Tensor gradient;
  Order order;
};
/// Of a parameter (zeros when nothing reached it) or of an input image.
NamedGradient find(const std::string& name, const ParameterStore& store, const Gradients& gradients, const Gradients& inputs) {
  if (const auto input = inputs.find(name); input != inputs.end()) return {input->second, nchw};
  const ParameterStore::Entry& entry = store.at(name);
  const auto found = gradients.find(name);
  return {found != gradients.end() ? found->second : Tensor::zeros(entry.value().shape(), entry.value().dtype()), order_of(entry.layout)};
}

struct ZeroRows {
  double largest = 0;  // norm
  std::set<std::string> names;
};
ZeroRows zero_rows(const GoldenFile& golden, const GradientTable& table) {
  const Tensor rows = golden.read(table.tensor);
  KIN_CHECK(rows.rank() == 2 && rows.dim(0) == int64_t(table.names.size()), "parity: ", table.names.size(),
            " names for the rows of ", table.tensor, " ", rows);
  ZeroRows zero;
  for (int64_t i = 0; i < rows.dim(0); ++i) zero.largest = std::max(zero.largest, rows.item(2 * i));
  for (int64_t i = 0; i < rows.dim(0); ++i)
    if (rows.item(2 * i) < kZeroRow * zero.largest) zero.names.insert(table.names[size_t(i)]);
  return zero;
}

double norm(const Tensor& there) {
  const Tensor t = there.host();
  double sum = 0;
  for (int64_t i = 0; i < t.numel(); ++i) sum += t.item(i) * t.item(i);
  return std::sqrt(sum);
}

}  // namespace

std::function<void(Check&)> network_run(std::function<void(Check&, DType)> run) {
  return [run = std::move(run)](Check& check) {
    check.computed_in(DType::f32);
    run(check, DType::f32);
    if (!check.gradient_in_doubt()) return;
    check.computed_in(DType::f64);
    run(check, DType::f64);
  };
}

const Order& order_of(Layout layout) { return layout == Layout::conv ? nchw : as_stored; }

void fill_by_formula(ParameterStore& store, const std::string& salt, const std::string& prefix) {
  for (const ParameterStore::Entry& e : store.entries()) {
    Tensor value = e.value();
    value.copy_(from_stored(formula_parameter(salt, prefix + e.name, file_shape(value.shape(), e.layout)), order_of(e.layout)));
  }
}

Var probed_mean(const std::string& salt, const std::string& name, const Var& image) {
  const Shape stored{image.dim(0), image.dim(3), image.dim(1), image.dim(2)};
  return mean(image * placed(from_stored(formula(salt, name + "#probe", stored), nchw), image.dtype()));
}

Gradients gradients_of(const Var& loss, const ParameterStore& store) {
  const ParameterList trainable = store.trainable();
  const Vars grads = grad(loss, store.trainable_vars(), {}, {.keep_graph = true});
  Gradients found;
  for (size_t i = 0; i < grads.size(); ++i)
    if (grads[i]) found[trainable[i].name] = grads[i].value();
  return found;
}

Gradients collected_gradients(const ParameterStore& store) {
  Gradients found;
  for (const auto& p : store.trainable())
    if (p.var.grad()) found[p.name] = p.var.grad();
  return found;
}

void check_gradient_table(const GoldenFile& golden, Check& check, const GradientTable& table, const ParameterStore& store,
                          const std::string& prefix, const Gradients& gradients, const Gradients& inputs) {
  const Tensor rows = golden.read(table.tensor);
  const auto& names = table.names;
  if (rows.dim(0) != int64_t(names.size())) return check.fail(table.tensor, text(names.size(), " names for ", rows.dim(0), " rows"));
  std::vector<TableEntry> entries;
  for (size_t i = 0; i < names.size(); ++i) {
    const NamedGradient g = find(names[i], store, gradients, inputs);
    const int64_t row = 2 * int64_t(i);
    entries.push_back({names[i], summarise(g.gradient, golden.salt(), prefix + names[i], g.order), {rows.item(row), rows.item(row + 1)}});
  }
  check_table(check, table.tensor, entries);
  const std::set<std::string> listed(names.begin(), names.end());
  double stray = 0;
  std::string worst;
  for (const auto& [name, gradient] : gradients)
    if (!listed.count(name) && !(norm(gradient) <= stray)) stray = norm(gradient), worst = name;
  check.row(table.tensor + " unlisted", "zero", stray, 0, worst);
}

void check_stored_gradients(const GoldenFile& golden, Check& check, const std::string& start, const GradientTable& table,
                            const ParameterStore& store, const Gradients& gradients, const Gradients& inputs) {
  const ZeroRows zero = zero_rows(golden, table);
  for (const std::string& name : golden.names_below(start)) {
    const NamedGradient g = find(name, store, gradients, inputs);
    if (zero.names.count(name)) check.row(start + name, "zero", norm(g.gradient) / zero.largest, tolerance::zero);
    else check.l2(start + name, g.gradient, golden.read(start + name), tolerance::gradient, g.order);
  }
}

void check_after_step(const GoldenFile& golden, Check& check, const std::string& start, const std::string& gradient_start,
                      const GradientTable& table, const ParameterStore& store, double lr) {
  const ZeroRows zero = zero_rows(golden, table);
  for (const std::string& name : golden.names_below(start)) {
    const ParameterStore::Entry& entry = store.at(name);
    const Order& order = order_of(entry.layout);
    const Tensor want = golden.read(start + name);
    if (want.dtype() == DType::i64) check.exact(start + name, entry.value().reshape(want.shape()), want);
    else if (golden.has(gradient_start + name))
      check.adam_step(start + name, entry.value(), want, golden.read(gradient_start + name), lr, zero.names.count(name) > 0, order);
    else check.values(start + name, entry.value(), want, tolerance::network, order);
  }
}

}  // namespace kintsugi::parity
