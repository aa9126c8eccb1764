// One training step of a stage, as the tiny_step files record it: losses, gradients, and weights after Adam.
#pragma once
#include "apps/parity/network.h"
#include "models/losses/image_objective.h"
#include "optim/ema.h"
#include "optim/optimizer.h"

namespace kintsugi::parity {

/// The networks that a step changes.
struct StepNets {
  ParameterStore& g;
  std::string g_prefix;
  ParameterStore* d = nullptr;  // null: the stage has no discriminator
  const Discriminator* discriminator = nullptr;
  std::string d_prefix;
};

struct StepSettings {
  double lr, ema_decay;
};

/// Runs `generator_step` with what surrounds it in training (Adam with betas 0.9 and 0.99, EMA, then the discriminator's own step when the report
/// asks for one) and compares everything stored below `start`. `names` holds loss_names, grad_g_names and grad_d_names.
void run_step(const GoldenFile& golden, Check& check, const std::string& start, const Json& names, const StepNets& nets, const Tensor& gt,
              const StepSettings& settings, const std::function<StepReport()>& generator_step);

/// Stored inputs that are formula tensors of the same names below `prefix`.
void check_inputs(const GoldenFile& golden, Check& check, const std::string& prefix, const std::vector<std::string>& tensors);

}  // namespace kintsugi::parity
