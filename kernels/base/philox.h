// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
// A number depends on (seed, purpose, step, element) and nothing else: never on threads, launch shape or order of calls.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace kintsugi {

using Philox4 = std::array<uint32_t, 4>;

/// Ten rounds of Philox on one 128-bit counter with a 64-bit key.
constexpr Philox4 philox(Philox4 counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t(0xD2511F53u) * counter[0];
    const uint64_t b = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key[0], uint32_t(b),
               uint32_t(a >> 32) ^ counter[3] ^ key[1], uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// FNV-1a, used to turn a name into a stream number.
constexpr uint64_t fnv1a64(std::string_view s, uint64_t h = 0xcbf29ce484222325u) {
  for (char c : s) h = (h ^ uint8_t(c)) * 0x100000001b3u;
  return h;
}

/// One stream of numbers: seed = the run's seed, stream = what they are for (e.g. fnv1a64("init/encoder.0.weight") + step).
/// at(i) is random access; next() walks. Copies are independent walkers over the same stream.
class Philox {
 public:
  Philox(uint64_t seed, uint64_t stream) : key_{uint32_t(seed), uint32_t(seed >> 32)}, stream_(stream) {}
  Philox(uint64_t seed, std::string_view purpose, uint64_t step = 0)
      : Philox(seed, fnv1a64(purpose) + step * 0x9e3779b97f4a7c15u) {}

  /// The i-th block of four 32-bit numbers.
  Philox4 block(uint64_t i) const {
    return philox({uint32_t(i), uint32_t(i >> 32), uint32_t(stream_), uint32_t(stream_ >> 32)}, key_);
  }
  /// Uniform in [0, 1), a multiple of 2^-24 (exact in f32).
  float uniform_at(uint64_t i) const { return float(block(i / 4)[i % 4] >> 8) * 0x1p-24f; }
  /// Standard normal by Box-Muller; elements 2k and 2k+1 share a pair of uniforms.
  float normal_at(uint64_t i) const {
    const Philox4 b = block(i / 4);
    const int pair = int(i % 4) & ~1;
    const double u = (double(b[pair]) + 0.5) * 0x1p-32, v = double(b[pair + 1]) * 0x1p-32;
    const double r = std::sqrt(-2.0 * std::log(u)), a = 6.283185307179586 * v;
    return float((i & 1) ? r * std::sin(a) : r * std::cos(a));
  }

  uint32_t next_u32() {
    const uint32_t v = block(position_ / 4)[position_ % 4];
    ++position_;
    return v;
  }
  float uniform() { return uniform_at(position_++); }
  float uniform(float lo, float hi) { return lo + (hi - lo) * uniform(); }
  float normal() {  // one pair of words per number, so that uniform() and normal() can be mixed
    position_ += position_ & 1;
    const float v = normal_at(position_);
    position_ += 2;
    return v;
  }
  /// Uniform integer in [0, n).
  uint32_t below(uint32_t n) { return uint32_t((uint64_t(next_u32()) * n) >> 32); }

 private:
  std::array<uint32_t, 2> key_;
  uint64_t stream_;
  uint64_t position_ = 0;
};

}  // namespace kintsugi
