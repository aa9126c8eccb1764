#include "apps/parity/golden_image.h"

#include <algorithm>
#include <cmath>

namespace kintsugi::parity {

Image golden_image(const GoldenFile& golden, const std::string& tensor, Channels stored) {
  const Tensor t = golden.read(tensor);
  KIN_CHECK(t.rank() == 3 && t.dim(2) == 3, "parity: ", tensor, " must be [h,w,3], got ", t);
  Image image(int(t.dim(0)), int(t.dim(1)));
  const double scale = t.dtype() == DType::u8 ? 255 : 1;
  for (int64_t i = 0; i < t.numel(); ++i)
    image.pixels[size_t(stored == Channels::bgr ? i / 3 * 3 + 2 - i % 3 : i)] = float(t.item(i) / scale);
  return image;
}

Tensor network_input(const Tensor& pictures, DType dtype) {
  KIN_CHECK(pictures.dtype() == DType::u8, "parity: pictures must be u8, got ", pictures);
  Tensor x(pictures.shape(), DType::f32);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = (float(pictures.item(i) / 255.0) - 0.5f) / 0.5f;
  return placed(from_stored(x, nchw), dtype);
}

void check_image(Check& check, const std::string& tensor, const Image& got, const Image& want, double tolerance) {
  if (got.h != want.h || got.w != want.w || got.c != want.c)
    return check.fail(tensor, text(got.h, "x", got.w, "x", got.c, ", stored ", want.h, "x", want.w, "x", want.c));
  double worst = 0;
  for (size_t i = 0; i < want.pixels.size(); ++i) {
    const double difference = std::abs(double(got.pixels[i]) - want.pixels[i]);
    if (!(difference <= worst)) worst = difference;
  }
  check.row(tensor, "pixel", worst, tolerance);
}

}  // namespace kintsugi::parity
