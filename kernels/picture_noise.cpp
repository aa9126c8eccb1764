#include "kernels/picture_noise.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void picture_noise_ref(const Context&, const PictureNoise&);
}  // namespace cpu
KIN_GPU_FUNCTION(picture_noise_naive, PictureNoise);

namespace {

const Row<PictureNoise> rows[] = {
    KIN_GPU_ROW("naive", f32_only<PictureNoise>, picture_noise_naive, "one thread per element, Box-Muller in f64"),
    {"ref", DeviceKind::cpu, takes_all<PictureNoise>, cpu::picture_noise_ref, "plain loop, Box-Muller in f64"},
};

}  // namespace

const Family<PictureNoise> picture_noise{"picture_noise", "y[n,i] = clip(x[n,i] + sigma[n] z_n(i), 0, 1)", rows};

}  // namespace kintsugi
