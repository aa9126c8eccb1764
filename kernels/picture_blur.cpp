#include "kernels/picture_blur.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void picture_blur_ref(const Context&, const PictureBlur&);
}  // namespace cpu
KIN_GPU_FUNCTION(picture_blur_tile, PictureBlur);
KIN_GPU_FUNCTION(picture_blur_naive, PictureBlur);

namespace {

// The tile of kernels/gpu/picture_blur.cu and the kernel lie in shared memory.
const char* fits_tile(const PictureBlur& a) {
  if (const char* why = f32_only(a)) return why;
  constexpr int64_t most = 48 << 10;
  return ((64 + a.kh - 1) * (32 + a.kw - 1) + a.kh * a.kw) * int64_t(sizeof(float)) <= most ? nullptr : "needs a kernel of up to about 51 x 51";
}

const Row<PictureBlur> rows[] = {
    KIN_GPU_ROW("tile", fits_tile, picture_blur_tile, "a tile of 64 x 32 pixels of one channel in shared memory; eight sums a thread share what they read"),
    KIN_GPU_ROW("naive", f32_only<PictureBlur>, picture_blur_naive, "one thread per element of y"),
    {"ref", DeviceKind::cpu, takes_all<PictureBlur>, cpu::picture_blur_ref, "plain loops, sums in f64"},
};

}  // namespace

const Family<PictureBlur> picture_blur{"picture_blur", "y[n,i,j,c] = sum_pq k[n,p,q] x[n,m(i+p-r),m(j+q-r),c]", rows};

}  // namespace kintsugi
