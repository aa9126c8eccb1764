// `kintsugi gradcheck`: the gradients of whole networks against finite differences, one row per parameter tensor.
#pragma once
#include <cstdint>
#include <ostream>
#include <string>

namespace kintsugi {

struct GradcheckCommand {
  std::string model = "all";   // vqgan, codeformer, discriminator, vgg or all
  std::string size = "small";  // small: under a minute. full: the published widths on 64-pixel images, hours in f64
  uint64_t seed = 1;
};

/// Everything in f64. Each parameter tensor and the input image is moved along one random direction; the derivative of a random
/// projection of the network's outputs along it is compared with backward's. Stop-gradients, code assignments and kinks stay where the
/// base run found them (autograd/replay.h), so straight-through networks are checked as they are trained.
/// Returns the exit code: 0, or 4 when a relative error exceeds 1e-6. Throws UsageError for an unknown model or size.
int run_gradcheck(const GradcheckCommand& command, std::ostream& out);

}  // namespace kintsugi
