// The few numbers of a training step of CodeFormer at 512x512: a launch each, whatever they are.
#include "kernels/step_numbers.h"

#include "apps/bench/case.h"
#include "kernels/running_statistics.h"

namespace kintsugi::bench {
namespace {

Cost gather_cost(const GatherNumbers& a) { return {double(a.count), 16.0 * a.count}; }
Cost equal_cost(const EqualShare& a) { return {double(a.n), 16.0 * double(a.n)}; }
Cost weight_cost(const AdaptiveWeightOf& a) { return {6, 48 + bytes_of(a.dtype, 1)}; }
Cost judge_cost(const JudgeStep& a) { return {double(a.count), 8.0 * double(a.count + a.loss_count)}; }
Cost running_cost(const RunningStatistics& a) { return {12.0 * double(a.channels), bytes_of(a.dtype, 6.0 * double(a.channels))}; }

GatherNumbers gather(Arrays& x) {
  GatherNumbers a{};
  for (; a.count < 9; ++a.count) a.from[a.count] = x.statistics(1, 1, 1), a.types[a.count] = DType::f32;
  a.out = x.out<double>(a.count);
  return a;
}
EqualShare equal(Arrays& x) {
  const int64_t tokens = 16 * 256;
  return {x.below<int64_t>(tokens, 4), x.below<int64_t>(tokens, 4), tokens, x.out<double>(1)};
}
AdaptiveWeightOf weight(Arrays& x) { return {x.table<double>({2.5, 4}), 1e-4, 1, x.out<double>(4), x.out(1), x.dtype()}; }
JudgeStep judge(Arrays& x) {
  const std::vector<double> squares(700, 0.25), losses(9, 1.5);
  return {x.table(squares), int64_t(squares.size()), x.table(losses), int64_t(losses.size()), 1, 1, nullptr, reinterpret_cast<StepVerdict*>(x.out<double>(3))};
}
RunningStatistics running(Arrays& x) {
  const int64_t channels = 512;
  RunningStatistics a{};
  a.mean = x.normal(channels), a.rstd = x.uniform(channels, 0.5, 1.5);
  a.running_mean = x.updated(channels), a.running_var = x.updated(channels);
  a.channels = channels, a.rows = 4096, a.momentum = 0.1, a.eps = 1e-5, a.dtype = x.dtype();
  return a;
}

const BenchRegistration gathers(gather_numbers, gather_cost, {{"9 losses", gather, emulated(gather)}});
const BenchRegistration equals(equal_share, equal_cost, {{"16 x 256 tokens", equal, emulated(equal)}});
const BenchRegistration weights(adaptive_weight_of, weight_cost, {{"one", weight, emulated(weight)}});
const BenchRegistration judges(judge_step, judge_cost, {{"700 parameters", judge, emulated(judge)}});
const BenchRegistration statistics(running_statistics, running_cost, {{"512 channels", running, emulated(running)}});

}  // namespace
}  // namespace kintsugi::bench
