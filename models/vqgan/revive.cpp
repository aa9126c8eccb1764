#include "models/vqgan/revive.h"

#include <algorithm>

#include "kernels/base/philox.h"

namespace kintsugi {

int64_t revive_codes(const VQAutoEncoder& net, const Tensor& images, uint64_t seed, uint64_t step) {
  const NoGrad off;
  const Var z = net.encoder(images);
  const Tensor codebook = net.quantize.embedding.weight.value();
  const int64_t codes = codebook.dim(0), width = codebook.dim(1), tokens = z.numel() / width;
  std::vector<bool> used(size_t(codes), false);
  const Tensor nearest = nearest_code(z.value(), codebook).indices.host();
  for (int64_t code : nearest.span<int64_t>()) used[size_t(code)] = true;
  Philox random(seed, "revive codes", step);
  const int64_t moved = std::count(used.begin(), used.end(), false);
  const Tensor found = z.value().host(), moving = codebook.host();
  visit_float(codebook.dtype(), "revive_codes", [&]<class T>() {
    for (int64_t code = 0; code < codes; ++code) {
      const int64_t token = random.below(uint32_t(tokens));
      if (!used[size_t(code)]) std::copy_n(found.data<T>() + token * width, width, moving.data<T>() + code * width);
    }
  });
  Tensor(codebook).copy_(moving);
  return moved;
}

}  // namespace kintsugi
