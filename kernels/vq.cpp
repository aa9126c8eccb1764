#include "kernels/vq.h"

namespace kintsugi {
namespace cpu {
void nearest_code_ref(const Context&, const NearestCode&);
void nearest_code_fast(const Context&, const NearestCode&);
}  // namespace cpu

namespace {
const Row<NearestCode> rows[] = {
    {"fast", DeviceKind::cpu, f32_only<NearestCode>, cpu::nearest_code_fast,
     "one product in f32, then f64 for the codes that f32 cannot tell apart"},
    {"ref", DeviceKind::cpu, takes_all<NearestCode>, cpu::nearest_code_ref, "every distance in f64"},
};
}  // namespace

const Family<NearestCode> nearest_code_fwd{"nearest_code_fwd", "index_r = argmin_k |z_r|^2 + |e_k|^2 - 2 z_r . e_k", rows};

}  // namespace kintsugi
