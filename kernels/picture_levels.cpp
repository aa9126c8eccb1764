#include "kernels/picture_levels.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void picture_levels_ref(const Context&, const PictureLevels&);
}  // namespace cpu
KIN_GPU_FUNCTION(picture_levels_naive, PictureLevels);

namespace {

const Row<PictureLevels> rows[] = {
    KIN_GPU_ROW("naive", f32_only<PictureLevels>, picture_levels_naive, "one thread per element"),
    {"ref", DeviceKind::cpu, takes_all<PictureLevels>, cpu::picture_levels_ref, "plain loop"},
};

}  // namespace

const Family<PictureLevels> picture_levels{"picture_levels", "y = 2 round(255 clip(x, 0, 1)) / 255 - 1", rows};

}  // namespace kintsugi
