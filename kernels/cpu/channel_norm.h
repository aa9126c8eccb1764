// Group normalisation as the fast rows apply it, three floats per sample and channel:
//   y = act((x - shift) * scale + bias)
// shift is the mean in f32; what f32 cannot hold of the mean goes into the bias.
#pragma once
#include <vector>

#include "kernels/cpu/group_norm_simd.h"
#include "kernels/group_moments.h"

namespace kintsugi::cpu {

struct ChannelNorm {
  const float *shift = nullptr, *scale = nullptr, *bias = nullptr;  // null: none
  int64_t sample = 0;                                               // floats from one sample's to the next one's
  bool silu = false;

  explicit operator bool() const { return shift != nullptr; }
  /// Of sample i, from channel c on.
  ChannelNorm at(int64_t i, int64_t c = 0) const {
    return *this ? ChannelNorm{shift + i * sample + c, scale + i * sample + c, bias + i * sample + c, sample, silu} : *this;
  }
  /// `pixels` side by side, `channels` floats each.
  void apply(const float* x, float* y, int64_t pixels, int64_t channels) const {
    KIN_SIMD_PICK(group_norm_apply)(x, y, pixels, channels, shift, scale, bias, silu);
  }
};

/// The memory behind a ChannelNorm.
class ChannelNorms {
 public:
  /// gamma and beta: [channels] or null.
  ChannelNorms(int64_t n, int64_t channels, int64_t groups, Act act, const void* gamma, const void* beta)
      : channels_(channels), groups_(groups), act_(act), gamma_(static_cast<const float*>(gamma)), beta_(static_cast<const float*>(beta)),
        values_(size_t(3 * n * channels)) {}
  ChannelNorms(const InputNorm& norm, int64_t n, int64_t channels);

  void set(int64_t sample, int64_t group, double mean, double rstd);
  ChannelNorm view() const {
    const float* v = values_.data();
    return {v, v + channels_, v + 2 * channels_, 3 * channels_, act_ == Act::silu};
  }

 private:
  int64_t channels_, groups_;
  Act act_;
  const float *gamma_, *beta_;
  std::vector<float> values_;
};

}  // namespace kintsugi::cpu
