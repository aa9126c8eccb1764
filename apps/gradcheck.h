// `kintsugi gradcheck`: the gradients of whole networks against finite differences, one row per parameter tensor.
#pragma once
#include <cstdint>
#include <ostream>
#include <string>

#include "kernels/base/device.h"

namespace kintsugi {

struct GradcheckCommand {
  std::string model = "all";   // vqgan, codeformer, discriminator, vgg or all
  std::string size = "small";  // small: under a minute. full: the published widths on 64-pixel images, hours in f64
  uint64_t seed = 1;
  Device device = {};
};

/// Everything in f64. Each parameter tensor and the input image is moved along one random direction; the derivative of a random
/// projection of the network's outputs along it is compared with backward's. Stop-gradients, code assignments and kinks stay where the
/// base run found them (autograd/replay.h), so straight-through networks are checked as they are trained.
/// On another device than the CPU: its f32 gradients against the CPU's in f64, per tensor by relative L2 norm, within 2e-3.
/// Returns the exit code: 0, or 4 when a relative error exceeds 1e-6 (on a device 2e-3). Throws UsageError for an unknown model or size.
int run_gradcheck(const GradcheckCommand& command, std::ostream& out);

}  // namespace kintsugi
