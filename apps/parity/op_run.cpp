#include "apps/parity/op_run.h"

#include <algorithm>
#include <cmath>

#include "apps/parity/network.h"
#include "autograd/engine.h"

namespace kintsugi::parity {
namespace {

bool is_float(DType t) { return t == DType::f32 || t == DType::f64; }

}  // namespace

OpRun::OpRun(const GoldenFile& golden, Check& check, std::string name, Json options, DType dtype)
    : golden_(golden), check_(check), name_(std::move(name)), options_(std::move(options)), dtype_(dtype) {
  check_.computed_in(dtype);
}

double OpRun::tolerance() const { return dtype_ == DType::f64 ? tolerance::operator_f64 : tolerance::operator_f32; }

Tensor OpRun::constant(const std::string& tensor, const Order& order) const {
  const Tensor t = golden_.read(stored(tensor), order);
  return is_float(t.dtype()) ? placed(t, dtype_) : t.to(run_device(dtype_));
}

Var OpRun::input(const std::string& tensor, const Order& order) {
  const Var v(constant(tensor, order), has("grad_" + tensor));
  if (v.needs_grad()) leaves_.push_back({tensor, v, order});
  return v;
}

Var OpRun::optional_input(const std::string& tensor, const Order& order) { return has(tensor) ? input(tensor, order) : Var{}; }

void OpRun::parameters(ParameterStore& store) {
  for (const ParameterStore::Entry& e : store.entries()) {
    const Order& order = order_of(e.layout);
    e.value().copy_(constant("p." + e.name, order));
    leaves_.push_back({"p." + e.name, e.param, order});
  }
}

void OpRun::output(const std::string& tensor, const Var& value, const Order& order) {
  check_.values(tensor, value.value(), golden_.read(stored(tensor)), tolerance(), order);
  if (!has("g_" + tensor)) return;
  outputs_.push_back(value);
  seeds_.push_back(constant("g_" + tensor, order).reshape(value.shape()));
}

void OpRun::indices(const std::string& tensor, const Tensor& value) {
  const Tensor want = golden_.read(stored(tensor));
  check_.exact(tensor, value.numel() == want.numel() ? value.reshape(want.shape()) : value, want);
}

void OpRun::finish() {
  Vars wrt;
  for (const Leaf& leaf : leaves_) wrt.push_back(leaf.var);
  if (wrt.empty() || outputs_.empty()) return;
  const Vars grads = grad(outputs_, wrt, seeds_);
  const std::vector<std::string> zeros = strings(golden_.metadata("true_value_is_zero"));
  double largest = 0;
  for (const Leaf& leaf : leaves_) {
    const Tensor want = golden_.read(stored("grad_" + leaf.tensor));
    for (int64_t i = 0; i < want.numel(); ++i) largest = std::max(largest, std::abs(want.item(i)));
  }
  for (size_t i = 0; i < leaves_.size(); ++i) {
    const Leaf& leaf = leaves_[i];
    const std::string name = "grad_" + leaf.tensor;
    const Tensor got = grads[i] ? grads[i].value() : Tensor::zeros(leaf.var.shape(), dtype_);
    if (std::find(zeros.begin(), zeros.end(), stored(name)) != zeros.end())
      check_.zero(name, got, largest, dtype_ == DType::f64 ? tolerance::operator_f64 : tolerance::zero);
    else
      check_.values(name, got, golden_.read(stored(name)), tolerance(), leaf.order);
  }
}

ParityKind op_kind(std::string file, std::function<OpAdapter(const std::string&, const Json&)> choose) {
  return {std::move(file), [choose = std::move(choose)](const GoldenFile& golden) {
            std::vector<ParityCase> cases;
            const Json table = golden.metadata("cases");
            for (const auto& [name, options] : table.items()) {
              const OpAdapter adapter = choose(name, options);
              if (!adapter) {
                cases.push_back({name, {}, Standing::unknown});
                continue;
              }
              cases.push_back({name, [&golden, adapter, name = name, options = options](Check& check) {
                                 for (DType dtype : {DType::f64, DType::f32}) {
                                   OpRun run(golden, check, name, options, dtype);
                                   adapter(run);
                                   run.finish();
                                 }
                               }});
            }
            return cases;
          }};
}

}  // namespace kintsugi::parity
