#include "models/vqgan/discriminator.h"

#include <algorithm>

#include "autograd/ops/unary.h"
#include "nn/compute.h"

namespace kintsugi {
namespace {

constexpr double kSlope = 0.2;

int64_t width_of(const DiscriminatorArgs& a, int n) { return a.ndf * std::min<int64_t>(int64_t(1) << std::min(n, 3), 8); }

// Index in the Sequential of the n-th convolution: the first is followed by an activation, the others by norm and activation.
int index_of(int n) { return n == 0 ? 0 : 3 * n - 1; }

Conv2d conv4x4(Scope s, int64_t in, int64_t out, int stride, bool bias) {
  return {s, in, out, 4, {.stride = stride, .pad = pad_all(1)}, bias};
}

const DiscriminatorArgs& checked(const DiscriminatorArgs& a) {
  KIN_CHECK(a.nc >= 1 && a.ndf >= 1 && a.n_layers >= 1, "discriminator: nc, ndf and n_layers must be at least 1, got ", a.nc,
            ", ", a.ndf, ", ", a.n_layers);
  return a;
}

}  // namespace

Discriminator::Discriminator(Scope s, const DiscriminatorArgs& a)
    : first(conv4x4(s / "main" / 0, checked(a).nc, a.ndf, 2, true)),
      layers([&] {
        // A norm follows each of these convolutions, so they have no bias of their own.
        std::vector<Layer> out;
        for (int n = 1; n <= a.n_layers; ++n) {
          const Scope main = s / "main";
          Conv2d conv = conv4x4(main / index_of(n), width_of(a, n - 1), width_of(a, n), n < a.n_layers ? 2 : 1, false);
          out.push_back({std::move(conv), BatchNorm2d(main / (index_of(n) + 1), width_of(a, n))});
        }
        return out;
      }()),
      score(conv4x4(s / "main" / index_of(a.n_layers + 1), width_of(a, a.n_layers), 1, 1, true)),
      mode(s.mode()) {}

Var Discriminator::operator()(const Var& x) const {
  Var h = leaky_relu(first(enter(*mode, x)), kSlope);
  for (const Layer& layer : layers) h = leaky_relu(layer.norm(layer.conv(h)), kSlope);
  return leave(*mode, score(h));
}

}  // namespace kintsugi
