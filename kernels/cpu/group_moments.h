// Moments as the rows of other families take and leave them.
#pragma once
#include <vector>

#include "kernels/group_moments.h"

namespace kintsugi::cpu {

void group_moments_ref(const Context&, const GroupMoments& a);
void group_moments_fast(const Context&, const GroupMoments& a);

/// x [n, positions, channels] normalised in f64, for reference loops; `dtype` is that of gamma and beta.
void normalise_plain(const InputNorm& norm, DType dtype, int64_t n, int64_t positions, int64_t channels, double* x);

/// Moments of a map that is made piece by piece, in any order and by any thread: per piece and channel a shift near the mean, and sums of
/// deviations from it and of their squares. Merged in the order of the pieces, so that every number of threads gives the same bits.
class PieceMoments {
 public:
  explicit PieceMoments(int64_t channels) : channels_(channels) {}

  /// One more piece of an image; returns its number. Not while sums are being written.
  int64_t add(int64_t image, int64_t pixels);
  /// Three rows of [channels] to be written: shift, sum of (x - shift), sum of (x - shift)^2.
  float* sums(int64_t piece) { return sums_.data() + piece * 3 * channels_; }
  /// Throws nothing; every image must have its pieces.
  void merge(int64_t images, const OutputMoments& to) const;

 private:
  struct Piece {
    int64_t image, pixels;
  };
  /// f(image, channel, pixels, mean, sum of squared deviations from it).
  template <class F>
  void each(F&& f) const;

  int64_t channels_;
  std::vector<Piece> pieces_;
  std::vector<float> sums_;
};

}  // namespace kintsugi::cpu
