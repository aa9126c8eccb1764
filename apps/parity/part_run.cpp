#include "apps/parity/part_run.h"

#include <algorithm>

#include "apps/parity/network.h"
#include "autograd/engine.h"

namespace kintsugi::parity {

PartRun::PartRun(const GoldenFile& golden, Check& check, DType dtype, const Rules& rules)
    : golden_(golden), check_(check), dtype_(dtype), rules_(rules) {
  check_.computed_in(dtype);
}

Tensor PartRun::constant(const std::string& tensor, const Order& order) const { return placed(golden_.read(tensor, order), dtype_); }

void PartRun::values(const std::string& tensor, const Var& got, const Order& order) {
  check_.values(tensor, got.value(), golden_.read(tensor), tolerance(), order);
}

void PartRun::scalar(const std::string& name, const Var& got) {
  check_.number("scalar." + name, got.item(), golden_.number("scalar." + name), tolerance());
}

void PartRun::indices(const std::string& tensor, const Tensor& got) {
  const Tensor want = golden_.read(tensor);
  check_.exact(tensor, got.numel() == want.numel() ? got.reshape(want.shape()) : got, want);
}

void PartRun::gradients(const Var& loss, const std::vector<Wanted>& wanted) {
  Vars leaves;
  for (const Wanted& w : wanted) leaves.push_back(w.leaf);
  const Vars grads = grad(loss, leaves, {}, {.keep_graph = true});
  for (size_t i = 0; i < wanted.size(); ++i) {
    KIN_CHECK(grads[i], "parity: the loss does not depend on what ", wanted[i].tensor, " is the gradient of");
    values(wanted[i].tensor, grads[i], wanted[i].order);
    if (rules_.kinks) check_.mark_gradient();
  }
}

namespace {

ParityKind in_both_types(std::string file, const PartRun::Rules& rules, std::function<void(PartRun&)> run) {
  return single_case(std::move(file), [rules, run = std::move(run)](const GoldenFile& golden, Check& check) {
    for (DType dtype : {DType::f64, DType::f32}) {
      PartRun part(golden, check, dtype, rules);
      run(part);
    }
  });
}

double allowed(double f32_against_f64) { return std::max(10 * f32_against_f64, tolerance::operator_f32); }

}  // namespace

ParityKind part_kind(std::string file, double f32_against_f64, std::function<void(PartRun&)> run) {
  return in_both_types(std::move(file), {tolerance::operator_f64, allowed(f32_against_f64), false}, std::move(run));
}

ParityKind network_part_kind(std::string file, double f32_against_f64, std::function<void(PartRun&)> run) {
  return in_both_types(std::move(file), {tolerance::stored_in_f32, allowed(f32_against_f64), true}, std::move(run));
}

ParityKind large_network_part_kind(std::string file, double f32_against_f64, std::function<void(PartRun&)> run) {
  const PartRun::Rules rules{tolerance::stored_in_f32, allowed(f32_against_f64), true};
  return single_case(std::move(file), [rules, run = std::move(run)](const GoldenFile& golden, Check& check) {
    network_run([&](Check& same, DType dtype) {
      PartRun part(golden, same, dtype, rules);
      run(part);
    })(check);
  });
}

}  // namespace kintsugi::parity
