// Losses that several papers share. Each returns a scalar of shape [] unless it says otherwise, is a mean where the paper's code
// takes one, and leaves its weight to the caller. f32 or f64; all can be differentiated twice.
#pragma once
#include "autograd/var.h"

namespace kintsugi {

// Pixel losses between equal shapes, averaged over all elements. Fused: one pass each way.
Var l1_loss(const Var& a, const Var& b);
Var mse_loss(const Var& a, const Var& b);
/// d^2 / (2 beta) inside |d| < beta, |d| - beta/2 outside; beta > 0.
Var smooth_l1_loss(const Var& a, const Var& b, double beta = 1);
/// sqrt(d^2 + eps), eps > 0 (BasicSR's form: eps is not squared).
Var charbonnier_loss(const Var& a, const Var& b, double eps = 1e-12);

/// Adversarial losses on logits x of any shape, with d = +1 for real and -1 for fake targets:
///   hinge          discriminator mean relu(1 - d x), generator -mean x whatever the target
///   vanilla        mean softplus(-d x), which is binary cross-entropy with logits
///   lsgan          mean (x - [real])^2
///   wgan           -d mean x
///   wgan_softplus  mean softplus(-d x)
/// A generator step asks for target_is_real = true, is_disc = false.
enum class GanKind : uint8_t { hinge, vanilla, lsgan, wgan, wgan_softplus };
Var gan_loss(GanKind kind, const Var& x, bool target_is_real, bool is_disc);
Var hinge_d_real(const Var& x);  // mean relu(1 - x)
Var hinge_d_fake(const Var& x);  // mean relu(1 + x)
Var hinge_g(const Var& x);       // -mean x

/// sum p (log p - log_q) / B for p, log_q [B,...]: torch's kl_div with reduction "batchmean". p >= 0; p = 0 counts 0.
Var kl_div_batchmean(const Var& log_q, const Var& p);

/// x / max(|x|, eps), the norm taken along one axis. Shape of x. eps > 0.
Var l2_normalize(const Var& x, int axis = -1, double eps = 1e-12);
/// <a, b> / (max(|a|, eps) max(|b|, eps)) along one axis, which disappears.
Var cosine_similarity(const Var& a, const Var& b, int axis = -1, double eps = 1e-8);

/// Gram matrices of feature maps, the style of Gatys et al. (2016): x [N,H,W,C] -> [N,C,C], F^T F / (C H W) with F = x as [HW,C].
Var gram(const Var& x);

}  // namespace kintsugi
