#include "kernels/running_statistics.h"

#include "kernels/gpu_rows.h"

namespace kintsugi {
namespace cpu {
void running_statistics_ref(const Context&, const RunningStatistics&);
}  // namespace cpu
KIN_GPU_FUNCTION(running_statistics_naive, RunningStatistics);
namespace {

const Row<RunningStatistics> rows[] = {
    KIN_GPU_ROW("naive", f32_only<RunningStatistics>, running_statistics_naive, "one thread per channel, in f64"),
    {"ref", DeviceKind::cpu, takes_all<RunningStatistics>, cpu::running_statistics_ref, "plain loop in f64"},
};

}  // namespace

const Family<RunningStatistics> running_statistics{"running_statistics", "running = (1-m) running + m batch", rows};

}  // namespace kintsugi
