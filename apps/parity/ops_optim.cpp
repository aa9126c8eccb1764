// ops_optim: five steps of each optimiser with all its state, learning-rate schedules, moving averages.
#include "apps/parity/parity_case.h"
#include "optim/ema.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace kintsugi::parity {
namespace {

constexpr int kSteps = 5;

std::unique_ptr<Optimizer> make_optimizer(const ParameterList& parameters, const Json& o) {
  const std::string op = o.at("op").get<std::string>();
  if (op == "SGD") return std::make_unique<Sgd>(parameters, SgdOptions{o.at("momentum").get<double>(), o.at("weight_decay").get<double>()});
  const auto betas = o.at("betas").get<std::vector<double>>();
  return std::make_unique<Adam>(parameters, AdamOptions{betas.at(0), betas.at(1), o.at("eps").get<double>(),
                                                        o.at("weight_decay").get<double>(), op == "AdamW"});
}

void optimizer_case(const GoldenFile& golden, Check& check, const std::string& name, const Json& options, DType dtype) {
  check.computed_in(dtype);
  const double tolerance = dtype == DType::f64 ? tolerance::operator_f64 : tolerance::operator_f32;
  const std::vector<std::string> parameters{"a", "b", "c"};
  ParameterList list;
  for (const std::string& p : parameters) list.push_back({p, Var(placed(golden.read(name + "/" + p + "_before"), dtype).clone(), true)});
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(list, options);
  for (int step = 0; step < kSteps; ++step) {
    for (const NamedVar& p : list) p.var.set_grad(placed(golden.read(text(name, "/g", step, "_", p.name)), dtype));
    optimizer->step({options.at("lr").get<double>()});
    for (const NamedVar& p : list) {
      const std::string tensor = text(p.name, "_after", step + 1);
      check.values(tensor, p.var.value(), golden.read(name + "/" + tensor), tolerance);
    }
  }
  for (const auto& [key, value] : optimizer->state()) {
    std::string tensor = key;
    tensor.replace(tensor.find('.'), 1, "_");
    if (golden.has(name + "/" + tensor)) check.values(tensor, value, golden.read(name + "/" + tensor), tolerance);
  }
}

Schedule make_schedule(const Json& o) {
  const std::string op = o.at("op").get<std::string>();
  const double lr = o.at("lr").get<double>();
  const auto integers = [&](const char* key) { return o.at(key).get<std::vector<int64_t>>(); };
  const auto numbers = [&](const char* key) { return o.at(key).get<std::vector<double>>(); };
  if (op.find("CosineAnnealingRestartLR") != std::string::npos)
    return cosine_restart(lr, integers("periods"), numbers("restart_weights"), o.at("eta_min").get<double>());
  if (op.find("MultiStepRestartLR") != std::string::npos)
    return o.contains("restarts") ? multistep_restart(lr, integers("milestones"), o.at("gamma").get<double>(), integers("restarts"),
                                                      numbers("restart_weights"))
                                  : multistep_restart(lr, integers("milestones"), o.at("gamma").get<double>());
  if (op == "torch CosineAnnealingLR") return cosine(lr, o.at("T_max").get<int64_t>(), o.at("eta_min").get<double>());
  if (op == "torch MultiStepLR") return multistep(lr, integers("milestones"), o.at("gamma").get<double>());
  fail("parity: no schedule called ", op);
}

void schedule_case(const GoldenFile& golden, Check& check, const std::string& name, const Json& options) {
  check.computed_in(DType::f64);
  const Tensor want = golden.read(name);
  Tensor got(want.shape(), DType::f64);
  const Schedule schedule = make_schedule(options);
  for (int64_t i = 0; i < want.numel(); ++i) got.data<double>()[i] = schedule(i);
  check.values("rates", got, want, tolerance::operator_f64);
}

void ema_case(const GoldenFile& golden, Check& check, const std::string& name, const Json& options, DType dtype) {
  check.computed_in(dtype);
  const double tolerance = dtype == DType::f64 ? tolerance::operator_f64 : tolerance::operator_f32;
  const Var p(placed(golden.read(name + "/start"), dtype).clone(), true);
  Ema ema({{"p", p}}, options.at("decay").get<double>());
  for (int step = 0; step < kSteps; ++step) {
    Tensor value = p.value();
    value.copy_(golden.read(text(name, "/p", step)));
    ema.update();
    const std::string tensor = text("after", step + 1);
    check.values(tensor, ema.averages().at(0).second, golden.read(name + "/" + tensor), tolerance);
  }
}

std::vector<ParityCase> cases(const GoldenFile& golden) {
  std::vector<ParityCase> all;
  const Json table = golden.metadata("cases");
  for (const auto& [name, options] : table.items()) {
    const std::string op = options.value("op", "");
    ParityCase c{name, {}, Standing::unknown};
    const auto in_both = [&](auto run) {
      c.standing = Standing::ready;
      c.run = [&golden, run, name = name, options = options](Check& check) {
        for (DType dtype : {DType::f64, DType::f32}) run(golden, check, name, options, dtype);
      };
    };
    if (op == "Adam" || op == "AdamW" || op == "SGD") in_both(optimizer_case);
    else if (op.rfind("ema", 0) == 0) in_both(ema_case);
    else if (name.rfind("lr/", 0) == 0)
      c = {name, [&golden, name = name, options = options](Check& check) { schedule_case(golden, check, name, options); }};
    all.push_back(std::move(c));
  }
  return all;
}

const ParityRegistration registration({"ops_optim", cases});

}  // namespace
}  // namespace kintsugi::parity
