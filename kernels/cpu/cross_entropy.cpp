#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/cpu/softmax_simd.h"

namespace kintsugi {
namespace cpu {
namespace {

template <class T>
void forward_ref(const CrossEntropy& a) {
  const double share = a.label_smoothing / double(a.classes);
  double loss = 0;
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.logits) + r * a.classes;
    double max = -INFINITY, sum = 0;
    for (int64_t k = 0; k < a.classes; ++k) max = std::max(max, double(x[k]));
    for (int64_t k = 0; k < a.classes; ++k) sum += std::exp(x[k] - max);
    for (int64_t k = 0; k < a.classes; ++k) {
      const double q = (k == a.target[r] ? 1 - a.label_smoothing : 0) + share, log_p = x[k] - max - std::log(sum);
      if (q != 0) loss -= q * log_p;
      if (a.glogits) static_cast<T*>(a.glogits)[r * a.classes + k] = T((std::exp(log_p) - q) / double(a.rows));
    }
  }
  *static_cast<T*>(a.loss) = T(loss / double(a.rows));
}

}  // namespace

void cross_entropy_ref(const Context&, const CrossEntropy& a) {
  visit_float(a.dtype, "cross_entropy_fwd", [&]<class T>() { forward_ref<T>(a); });
}

void cross_entropy_fast(const Context&, const CrossEntropy& a) {
  const auto* logits = static_cast<const float*>(a.logits);
  auto* g = static_cast<float*>(a.glogits);
  const int64_t grain = grain_for(a.classes * 24);
  std::vector<double> partial((a.rows + grain - 1) / grain);
  parallel_for(a.rows, grain, [&](int64_t begin, int64_t end) {
    const int64_t i = begin * a.classes;
    partial[begin / grain] = KIN_SIMD_PICK(cross_entropy_rows)(logits + i, a.target + begin, g ? g + i : nullptr, end - begin,
                                                               a.classes, a.label_smoothing, 1.0f / float(a.rows));
  });
  double loss = 0;
  for (double p : partial) loss += p;
  *static_cast<float*>(a.loss) = float(loss / double(a.rows));
}

}  // namespace cpu
}  // namespace kintsugi
