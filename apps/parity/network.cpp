#include "apps/parity/network.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/parity/formula.h"
#include "autograd/engine.h"
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

double largest_norm(const Tensor& table) {
  double largest = 0;
  for (int64_t i = 0; i < table.dim(0); ++i) largest = std::max(largest, table.item(2 * i));
  return largest;
}

double norm(const Tensor& t) {
  double sum = 0;
  for (int64_t i = 0; i < t.numel(); ++i) sum += t.item(i) * t.item(i);
  return std::sqrt(sum);
}

}  // namespace

const Order& order_of(Layout layout) { return layout == Layout::conv ? nchw : as_stored; }

void fill_by_formula(ParameterStore& store, const std::string& salt, const std::string& prefix) {
  for (const ParameterStore::Entry& e : store.entries()) {
    Tensor value = e.value();
    value.copy_(from_stored(formula_parameter(salt, prefix + e.name, file_shape(value.shape(), e.layout)), order_of(e.layout)));
  }
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

void check_gradient_table(const GoldenFile& golden, Check& check, const std::string& tensor, const std::vector<std::string>& names,
                          const ParameterStore& store, const std::string& prefix, const Gradients& gradients, const Gradients& inputs) {
  const Tensor table = golden.read(tensor);
  if (table.dim(0) != int64_t(names.size())) return check.fail(tensor, text(names.size(), " names for ", table.dim(0), " rows"));
  std::vector<TableEntry> entries;
  for (size_t i = 0; i < names.size(); ++i) {
    const NamedGradient g = find(names[i], store, gradients, inputs);
    entries.push_back({names[i], summarise(g.gradient, golden.salt(), prefix + names[i], g.order), {table.item(2 * int64_t(i)), table.item(2 * int64_t(i) + 1)}});
  }
  check_table(check, tensor, entries);
  const std::set<std::string> listed(names.begin(), names.end());
  double stray = 0;
  std::string worst;
  for (const auto& [name, gradient] : gradients)
    if (!listed.count(name) && !(norm(gradient) <= stray)) stray = norm(gradient), worst = name;
  check.row(tensor + " unlisted", "zero", stray, 0, worst);
}

void check_stored_gradients(const GoldenFile& golden, Check& check, const std::string& start, const std::string& table,
                            const std::vector<std::string>& names, const ParameterStore& store, const Gradients& gradients,
                            const Gradients& inputs) {
  const Tensor norms = golden.read(table);
  const double largest = largest_norm(norms);
  std::set<std::string> zeros;
  for (size_t i = 0; i < names.size(); ++i)
    if (norms.item(2 * int64_t(i)) < kZeroRow * largest) zeros.insert(names[i]);
  for (const std::string& name : golden.names_below(start)) {
    const NamedGradient g = find(name, store, gradients, inputs);
    if (zeros.count(name)) check.row(start + name, "zero", norm(g.gradient) / largest, tolerance::zero);
    else check.l2(start + name, g.gradient, golden.read(start + name), tolerance::gradient, g.order);
  }
}

void check_after_step(const GoldenFile& golden, Check& check, const std::string& start, const std::string& gradient_start,
                      const std::map<std::string, Tensor>& after, const ParameterStore& store, double lr) {
  for (const std::string& name : golden.names_below(start)) {
    const auto found = after.find(name);
    if (found == after.end()) {
      check.fail(start + name, "there is no such parameter");
      continue;
    }
    const Order& order = order_of(store.at(name).layout);
    const Tensor want = golden.read(start + name);
    if (want.dtype() == DType::i64) check.exact(start + name, found->second.reshape(want.shape()), want);
    else if (golden.has(gradient_start + name))
      check.adam_step(start + name, found->second, want, golden.read(gradient_start + name), lr, order);
    else check.values(start + name, found->second, want, tolerance::network, order);
  }
}

}  // namespace kintsugi::parity
