// What is done to a picture before and after the network, for each of the published CodeFormer networks.
#pragma once
#include <string>
#include <vector>

#include "data/image.h"

namespace kintsugi {

enum class Task { restore, colorize, inpaint };

/// How the released programs call each network.
struct TaskRules {
  const char* name;  // as on the command line
  double w;          // unless the caller says otherwise
  bool adain;        // the codes take the mean and std of the degraded face's features
};
const TaskRules& rules(Task task);
/// Throws UsageError for another name.
Task task_of(const std::string& name);

/// A picture on its way through the network.
struct Face {
  Image picture;                   // as it came
  Image hole;                      // [h,w,1], 1 where inpainting paints; else empty
  Image seen;                      // what the network sees, size x size
  bool grey = false;               // restore: the result will be made grey
  int depth = 8;                   // bits of the picture's values
  std::vector<std::string> notes;  // what a person should know
};

/// The picture as the network wants it: size x size by bilinear resizing without antialiasing, as the reference does. Inpainting
/// paints where all channels are 1, or where `mask` (the picture's size) is at least 1/2; those pixels go in white. Throws Error for a picture
/// below `least` pixels on a side, for a mask of another size and when nothing is to be painted.
Face prepare(Task task, Image picture, int depth, const Image* mask, int size, int least);

/// The network's result [size,size,3] as it goes back to the caller, at the picture's size. A grey face becomes grey again with the
/// mean and spread it had (restore); inpainting keeps every pixel outside the hole as it came. `blend` in [0, 1] is the share of the
/// result against the picture.
Image finish(Task task, const Face& face, const Image& result, double blend);

/// Whether the three channels of 8-bit values differ by little more than noise: the mean of the variances of their differences is at
/// most 10.
bool is_grey(const Image& image);

/// `result` in grey (0.2989 R + 0.5870 G + 0.1140 B), shifted and scaled channel by channel to the mean and standard deviation of `like`, which
/// has its size. Of their values in bytes as in the reference, where the picture is of 8 bits; a deeper one is not rounded here.
Image grey_like(const Image& result, const Image& like, int depth);

}  // namespace kintsugi
