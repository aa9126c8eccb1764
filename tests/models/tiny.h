// Networks small enough to differentiate in f64 by differences.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "models/codeformer/codeformer.h"
#include "models/vqgan/discriminator.h"
#include "nn/scope.h"
#include "tensor/random.h"

namespace kintsugi::testing {

inline VqganArgs tiny_vqgan(std::vector<int64_t> ch_mult = {1}, int64_t img_size = 8) {
  return {.img_size = img_size,
          .nf = 32,
          .ch_mult = std::move(ch_mult),
          .res_blocks = 1,
          .attn_resolutions = {img_size},
          .codebook_size = 8,
          .emb_dim = 4};
}

inline Tensor tiny_image(int64_t n, int64_t size, uint64_t seed = 3, DType dtype = DType::f64) {
  return random_uniform({n, size, size, 3}, -1, 1, seed, "image", 0, dtype);
}

/// Moves every parameter off the round values it starts at (zero biases, unit scales), where a wrong gradient could hide.
inline void scatter(ParameterStore& store, double by = 0.1) {
  for (const NamedVar& p : store.parameters()) {
    Tensor t = p.var.value();
    const Tensor noise = random_normal(t.shape(), 0, by, 9, p.name, 0, t.dtype());
    visit_float(t.dtype(), "scatter", [&]<class T>() {
      for (int64_t i = 0; i < t.numel(); ++i) t.data<T>()[i] += noise.data<T>()[i];
    });
    t.bump_version();
  }
}

/// Worst error over the trainable parameters, with one random direction each; prints the worst rows when it exceeds `limit`.
inline double worst_parameter_error(const std::function<Var()>& f, const ParameterStore& store, double limit = 1e-6) {
  std::vector<GradcheckRow> rows = gradcheck(f, store.trainable(), {.step = 1e-4});
  const double worst = worst_error(rows);
  if (!(worst <= limit)) {
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.error > b.error; });
    for (size_t i = 0; i < std::min<size_t>(5, rows.size()); ++i)
      MESSAGE(rows[i].name << ": analytic " << rows[i].analytic << ", numeric " << rows[i].numeric << ", error "
                           << rows[i].error);
  }
  return worst;
}

}  // namespace kintsugi::testing
