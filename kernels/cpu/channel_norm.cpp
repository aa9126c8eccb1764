#include "kernels/cpu/channel_norm.h"

#include <cmath>

namespace kintsugi::cpu {

ChannelNorms::ChannelNorms(const InputNorm& norm, int64_t n, int64_t channels)
    : ChannelNorms(norm ? n : 0, channels, norm.groups, norm.act, norm.gamma, norm.beta) {
  if (!norm) return;
  for (int64_t i = 0; i < n * norm.groups; ++i)
    set(i / norm.groups, i % norm.groups, norm.moments[2 * i], 1 / std::sqrt(norm.moments[2 * i + 1] + norm.eps));
}

void ChannelNorms::set(int64_t sample, int64_t group, double m, double r) {
  float *shift = values_.data() + sample * 3 * channels_, *scale = shift + channels_, *bias = scale + channels_;
  const int64_t width = channels_ / groups_;
  for (int64_t c = group * width; c < (group + 1) * width; ++c) {
    const double k = r * (gamma_ ? double(gamma_[c]) : 1);
    shift[c] = float(m);
    scale[c] = float(k);
    bias[c] = float((beta_ ? double(beta_[c]) : 0) - (m - float(m)) * k);
  }
}

}  // namespace kintsugi::cpu
