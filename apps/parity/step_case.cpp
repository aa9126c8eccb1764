#include "apps/parity/step_case.h"

#include <set>

#include "apps/parity/formula.h"

namespace kintsugi::parity {
namespace {

constexpr AdamOptions kAdam{.beta1 = 0.9, .beta2 = 0.99};

void check_losses(const GoldenFile& golden, Check& check, const std::string& start, const std::vector<std::string>& names,
                  const StepReport& report) {
  // Norms of gradients and what they scale are as exact as gradients are.
  const std::set<std::string> of_gradients{"d_weight", "d_weight_clamped", "gan_grad_norm", "l_g_gan", "recon_grad_norm"};
  const Tensor want = golden.read(start + "losses");
  for (size_t i = 0; i < names.size(); ++i) {
    const bool of_gradient = of_gradients.count(names[i]) > 0;
    check.number(start + "losses " + names[i], report.loss(names[i]), want.item(int64_t(i)),
                 of_gradient ? tolerance::gradient : tolerance::network);
    if (of_gradient) check.mark_gradient();
  }
}

}  // namespace

void run_step(const GoldenFile& golden, Check& check, const std::string& start, const Json& names, const StepNets& nets, const Tensor& gt,
              const StepSettings& settings, const std::function<StepReport()>& generator_step) {
  Adam g_adam(nets.g.trainable(), kAdam);
  Ema ema(nets.g.parameters(), settings.ema_decay);
  StepReport report = generator_step();
  const Gradients g_gradients = collected_gradients(nets.g);
  g_adam.step({.lr = settings.lr, .ema = &ema});
  Gradients d_gradients;
  if (report.gan) {
    Adam d_adam(nets.d->trainable(), kAdam);
    nets.d->zero_grad();
    discriminator_step(*nets.discriminator, gt, report.output, GanKind::hinge, report);
    d_gradients = collected_gradients(*nets.d);
    d_adam.step({.lr = settings.lr});
  }

  check_losses(golden, check, start, strings(names.at("loss_names")), report);
  if (golden.has(start + "output")) check.values(start + "output", report.output, golden.read(start + "output"), tolerance::network, nchw);
  const GradientTable g_table{start + "grad_g", strings(names.at("grad_g_names"))};
  check_gradient_table(golden, check, g_table, nets.g, nets.g_prefix, g_gradients);
  check_stored_gradients(golden, check, start + "grad/", g_table, nets.g, g_gradients);
  check_after_step(golden, check, start + "after/", start + "grad/", g_table, nets.g, settings.lr);
  for (const auto& [name, average] : ema.averages())
    if (const std::string tensor = start + "ema_after/" + name; golden.has(tensor))
      check.values(tensor, average, golden.read(tensor), tolerance::network, order_of(nets.g.at(name).layout));
  if (!report.gan) return;
  const GradientTable d_table{start + "grad_d", strings(names.at("grad_d_names"))};
  check_gradient_table(golden, check, d_table, *nets.d, nets.d_prefix, d_gradients);
  check_stored_gradients(golden, check, start + "d_grad/", d_table, *nets.d, d_gradients);
  check_after_step(golden, check, start + "d_after/", start + "d_grad/", d_table, *nets.d, settings.lr);
}

void check_inputs(const GoldenFile& golden, Check& check, const std::string& prefix, const std::vector<std::string>& tensors) {
  for (const std::string& t : tensors) check.values(t, formula(golden.salt(), prefix + t, golden.shape(t)), golden.read(t), 0);
}

}  // namespace kintsugi::parity
