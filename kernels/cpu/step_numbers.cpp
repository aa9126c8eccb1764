#include "kernels/step_numbers_math.h"

namespace kintsugi::cpu {

void gather_numbers_ref(const Context&, const GatherNumbers& a) {
  for (int i = 0; i < a.count; ++i)
    a.out[i] = a.types[i] == DType::f32 ? double(*static_cast<const float*>(a.from[i])) : *static_cast<const double*>(a.from[i]);
}

void equal_share_ref(const Context&, const EqualShare& a) {
  int64_t equal = 0;
  for (int64_t i = 0; i < a.n; ++i) equal += a.a[i] == a.b[i];
  *a.out = double(equal) / double(a.n);
}

void adaptive_weight_of_ref(const Context&, const AdaptiveWeightOf& a) { weigh(a); }

void judge_step_ref(const Context&, const JudgeStep& a) {
  double sum = 0;
  for (int64_t i = 0; i < a.count; ++i) sum += a.squares[i];
  judge(a, sum);
}

}  // namespace kintsugi::cpu
