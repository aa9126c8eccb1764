// Mean and variance of groups. Floor: x read once. One pass over strips of pixels with all channels (column_sums), about each group's first element, in
// f64; a second kernel adds the channels of a group in order. Prediction: bound by memory, at the floor. Not yet measured.
#include "kernels/group_moments.h"

#include "kernels/gpu/group_deviations.h"

namespace kintsugi::KIN_GPU_NAMESPACE {

void group_moments_strips(const Context& context, const GroupMoments& a) {
  visit_f32_or_bf16(a.dtype, "group_moments", [&]<class T>() {
    moments_of_deviations(context, Deviations<T>{static_cast<const T*>(a.x), a.positions, a.channels, a.channels / a.groups}, a.n, a.positions, a.moments);
  });
}

}  // namespace kintsugi::KIN_GPU_NAMESPACE
