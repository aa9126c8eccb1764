// Apart from cosine_triplet_math.h so that SIMD files see no inline function.
#pragma once

namespace kintsugi {

/// The gradients of one image are linear in its features:
/// gp = pp p + pa a,  ga = ap p + aa a + aq q,  gq = qq q + qa a.
struct TripletWeights {
  double pp, pa, ap, aa, aq, qq, qa;
};

}  // namespace kintsugi
