// What the five products of one image say: cosines, loss and the weights of the gradients; for the CPU and for GPU kernels.
#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/cosine_triplet_weights.h"

namespace kintsugi {

/// Norms (clamped) and cosines of one image from its five products.
struct TripletCosines {
  double np, na, nq, plus, minus;
  KIN_HOST_DEVICE TripletCosines(const double* d, double eps)
      : np(std::fmax(std::sqrt(d[0]), eps)), na(std::fmax(std::sqrt(d[1]), eps)), nq(std::fmax(std::sqrt(d[2]), eps)),
        plus(d[3] / (np * na)), minus(d[4] / (nq * na)) {}
};

KIN_HOST_DEVICE inline double mean_softplus(const double* dots, int64_t batch, double eps) {
  double total = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const TripletCosines c(dots + 5 * b, eps);
    total += std::log1p(std::exp(c.minus - c.plus));  // the difference of two cosines: no overflow
  }
  return total / double(batch);
}

/// d c+ / d a = p / (|p| |a|) - c+ a / |a|^2, and so on; a clamped norm does not move.
KIN_HOST_DEVICE inline TripletWeights triplet_weights(const double* d, double eps, double g) {
  const TripletCosines c(d, eps);
  const double s = g / (1 + std::exp(c.plus - c.minus));  // dL/dc- = -dL/dc+
  const auto self = [&](double norm, double cosine) { return norm > eps ? cosine / (norm * norm) : 0.0; };
  TripletWeights w;
  w.pp = s * self(c.np, c.plus);
  w.pa = -s / (c.np * c.na);
  w.ap = w.pa;
  w.aq = s / (c.nq * c.na);
  w.aa = s * (self(c.na, c.plus) - self(c.na, c.minus));
  w.qq = -s * self(c.nq, c.minus);
  w.qa = w.aq;
  return w;
}

}  // namespace kintsugi
