// Synthetic degradation of faces, y = JPEG_q(down_r(k * x) + n) brought back to size (Zhou et al., "Towards Robust Blind Face
// Restoration with Codebook Lookup Transformer", NeurIPS 2022, equation 10; ranges of the published training options).
#pragma once
#include <cstdint>
#include <string_view>

#include "data/colour_jitter.h"
#include "data/filter.h"
#include "data/image.h"
#include "kernels/base/philox.h"

namespace kintsugi {

struct Range {
  double low = 0, high = 0;
};

/// What may be drawn. Sigmas of the blur are in pixels of the picture as it comes; scale them for pictures other than 512.
struct DegradeOptions {
  int kernel_size = 41;
  double isotropic_probability = 0.5;  // else two sigmas and an angle
  Range blur_sigma{1, 15};
  Range downsample{4, 30};
  Range noise{0, 20};  // standard deviation in 1/255
  Range jpeg_quality{30, 80};
  double colour_shift_probability = 0;  // one offset per channel, uniform in +-colour_shift/255
  double colour_shift = 20;
  double grey_probability = 0;
  double colour_jitter_probability = 0;  // brightness, contrast, saturation, hue: data/colour_jitter.h

  /// Stage II (transformer), also the large set of stage III.
  static DegradeOptions stage2();
  static DegradeOptions stage3_large() { return stage2(); }
  /// Stage III (fidelity): mild.
  static DegradeOptions stage3_small();
  /// Stage II with colour shifts, grey pictures and colour jitter.
  static DegradeOptions colorization();
  /// The ranges printed in the paper: sigma [1,15], scale [1,30], noise [0,20], quality [30,90].
  static DegradeOptions paper();
  /// "stage2", "stage3_small", "stage3_large", "colorization" or "paper"; throws UsageError for any other name.
  static DegradeOptions named(std::string_view name);

  /// The same degradation seen at another size: sigmas and scales times size/512, the scales never below 1.
  DegradeOptions for_size(int size) const;
};

/// Which changes of colour a picture gets. The two degraded pictures of joint training share these, not the amounts.
struct ColourDecisions {
  bool shift = false, grey = false, jitter = false;
  bool any() const { return shift || grey || jitter; }
};

/// One draw of the above.
struct Degradation {
  bool isotropic = true;
  double sigma_x = 1, sigma_y = 1, angle = 0;
  double downsample = 1;
  double noise = 0;
  int jpeg_quality = 100;
  ColourDecisions colours;
  double colour_shift[3] = {0, 0, 0};  // added where colours.shift, in [0, 1] units
  ColourJitter colour_jitter;          // where colours.jitter
};

/// Draws all parameters; throws Error for a range that is empty or out of bounds. The count of numbers taken does not depend on the options.
Degradation draw_degradation(const DegradeOptions& options, Philox& random);

/// Applies one draw; h, w and c = 3 (else throws Error) are kept. `noise` gives the normal number of value i at normal_at(i). The result is
/// rounded to 8 bits, as a low-quality photograph would be.
Image degrade(const Image& image, const Degradation& d, int kernel_size, const Philox& noise);

/// Joint training (stage III) degrades each face twice, mildly and strongly, with numbers of their own.
enum class DegradeSet { small, large };

/// The draw of one sample, keyed by (seed, epoch, index): independent of threads, batches and order. The large set takes the colour
/// decisions of the small one; they agree when both options have the same probabilities of colour changes.
Degradation draw_degradation(const DegradeOptions& options, DegradeSet set, uint64_t seed, uint64_t epoch, uint64_t index);
/// The noise that belongs to it: Philox(seed, degrade_noise(...)).
uint64_t degrade_noise(DegradeSet set, uint64_t epoch, uint64_t index);

/// Draw and apply.
Image degrade(const Image& image, const DegradeOptions& options, uint64_t seed, uint64_t epoch, uint64_t index, DegradeSet set = DegradeSet::small);

/// The steps, for tests and other pipelines. All work on floats in [0, 1].
Kernel blur_kernel(const Degradation& d, int kernel_size);
int shrunk_side(int side, double factor);  // side // factor as Python has it, at least 1
void add_noise(Image& image, double sigma255, const Philox& noise);  // then clips to [0, 1]
Image jpeg_round_trip(const Image& image, int quality);
void make_grey(Image& image);  // 0.299 R + 0.587 G + 0.114 B in all three channels
void change_colours(Image& image, const Degradation& d);  // shift and clip, grey, jitter

}  // namespace kintsugi
