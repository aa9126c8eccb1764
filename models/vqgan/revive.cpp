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
  for (int64_t code : nearest_code(z.value(), codebook).indices.span<int64_t>()) used[size_t(code)] = true;
  Philox random(seed, "revive codes", step);
  const int64_t moved = std::count(used.begin(), used.end(), false);
  visit_float(codebook.dtype(), "revive_codes", [&]<class T>() {
    const T* from = z.value().data<T>();
    for (int64_t code = 0; code < codes; ++code) {
      const int64_t token = random.below(uint32_t(tokens));
      if (!used[size_t(code)]) std::copy_n(from + token * width, width, codebook.data<T>() + code * width);
    }
  });
  codebook.bump_version();
  return moved;
}

}  // namespace kintsugi
