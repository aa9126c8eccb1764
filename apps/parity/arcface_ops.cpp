// arcface/{input_prep,id_losses}: how faces reach an identity network, and losses between its embeddings.
#include <cmath>
#include <numbers>

#include "apps/parity/part_run.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/resize.h"
#include "autograd/ops/shape.h"

namespace kintsugi::parity {
namespace {

void input_prep_case(PartRun& r) {
  r.values("unshuffle4.out", pixel_unshuffle(r.constant("unshuffle4.in", nchw), 4), nchw);

  // Rows 5..42 and columns 4..41, both ends included.
  const Var face = r.leaf("crop.in", nchw);
  const Var pooled = adaptive_avg_pool(crop(face, 5, 4, 38, 38), 11, 11);
  r.values("crop.out", pooled, nchw);
  r.gradients(sum(pooled * r.constant("crop.in.w", nchw)), {{"crop.grad", face, nchw}});

  const Var image = r.leaf("bilinear.in", nchw);
  const Var resized = resize(image, 16, 16, ResizeMode::bilinear);
  r.values("bilinear.out", resized, nchw);
  r.gradients(sum(resized * r.constant("bilinear.in.w", nchw)), {{"bilinear.grad", image, nchw}});

  const Tensor luma = Tensor::of<double>({3}, {0.2989, 0.5870, 0.1140}).to(r.dtype());
  r.values("gray_bilinear.out", resize(sum(image * luma, {-1}, true), 16, 16, ResizeMode::bilinear), nchw);
}

void id_losses_case(PartRun& r) {
  const Var a = r.leaf("in.a"), b = r.constant("in.b");
  const Var cosine = cosine_similarity(a, b);
  r.values("out.cos", cosine);
  Tensor radians(cosine.shape(), DType::f64), degrees(cosine.shape(), DType::f64);
  for (int64_t i = 0; i < cosine.numel(); ++i) {
    radians.data<double>()[i] = std::acos(cosine.value().item(i));
    degrees.data<double>()[i] = radians.data<double>()[i] * 180 / std::numbers::pi;
  }
  r.values("out.angle_rad", radians);
  r.values("out.angle_deg", degrees);
  const Var loss = mean(1.0 - cosine);
  r.scalar("loss", loss);
  r.gradients(loss, {{"grad.a", a}});
  const Var raw = l1_loss(a, b);
  r.scalar("l1_raw_loss", raw);
  r.gradients(raw, {{"grad.l1_raw.a", a}});
}

const ParityRegistration registrations[] = {
    ParityRegistration(part_kind("arcface/input_prep", 0, input_prep_case)),
    ParityRegistration(part_kind("arcface/id_losses", 2.8e-7, id_losses_case)),
};

}  // namespace
}  // namespace kintsugi::parity
