#include "autograd/ops/resize.h"

#include <cmath>

namespace kintsugi {

Var resize(const Var& x, int64_t h, int64_t w, ResizeMode mode, bool align_corners, bool antialias, std::optional<double> scale_factor) {
  const bool interpolates = mode == ResizeMode::bilinear || mode == ResizeMode::bicubic;
  KIN_CHECK(x.rank() == 4 && x.dim(1) > 0 && x.dim(2) > 0, "resize: x must be [N,H,W,C] with pixels, got ", x.value());
  KIN_CHECK(h > 0 && w > 0, "resize: size must be positive, got ", h, " x ", w);
  KIN_CHECK(interpolates || !align_corners, "resize: align_corners must be off for ", name(mode), ", got on");
  KIN_CHECK(interpolates || !antialias, "resize: antialias must be off for ", name(mode), ", got on");
  KIN_CHECK(!scale_factor || *scale_factor > 0, "resize: scale_factor must be positive, got ", *scale_factor);
  auto plan = std::make_shared<ResamplePlan>(ResamplePlan{resize_taps(mode, x.dim(1), h, align_corners, antialias, scale_factor),
                                                          resize_taps(mode, x.dim(2), w, align_corners, antialias, scale_factor)});
  return resample("resize", x, std::move(plan));
}

Var resize_by(const Var& x, double scale_factor, ResizeMode mode, bool align_corners, bool antialias) {
  KIN_CHECK(x.rank() == 4, "resize: x must be [N,H,W,C], got ", x.value());
  return resize(x, int64_t(std::floor(double(x.dim(1)) * scale_factor)), int64_t(std::floor(double(x.dim(2)) * scale_factor)), mode,
                align_corners, antialias, scale_factor);
}

Var upsample_nearest2x(const Var& x) {
  KIN_CHECK(x.rank() == 4, "upsample_nearest2x: x must be [N,H,W,C], got ", x.value());
  return resize(x, 2 * x.dim(1), 2 * x.dim(2), ResizeMode::nearest);
}

}  // namespace kintsugi
