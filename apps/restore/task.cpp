#include "apps/restore/task.h"

#include <algorithm>
#include <cmath>

#include "data/bytes.h"
#include "data/resize.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace {

constexpr TaskRules kRules[] = {{"restore", 0.5, true}, {"colorize", 0, true}, {"inpaint", 1, false}};

struct Moments {
  double mean = 0, variance = 0;  // biased
};

template <class Value>
Moments moments(size_t count, Value&& value) {
  Moments m;
  for (size_t i = 0; i < count; ++i) m.mean += value(i);
  m.mean /= double(count);
  for (size_t i = 0; i < count; ++i) m.variance += (value(i) - m.mean) * (value(i) - m.mean);
  m.variance /= double(count);
  return m;
}

Image white_pixels(const Image& picture) {
  Image hole(picture.h, picture.w, 1);
  for (size_t i = 0; i < hole.pixels.size(); ++i) {
    const float* p = picture.pixels.data() + i * 3;
    hole.pixels[i] = p[0] + p[1] + p[2] == 3.0f;
  }
  return hole;
}

Image hole_of_mask(const Image& mask, const Image& picture) {
  KIN_CHECK(mask.h == picture.h && mask.w == picture.w, "the mask must be ", picture.w, "x", picture.h, " as the picture is, got ", mask.w,
            "x", mask.h);
  Image hole(mask.h, mask.w, 1);
  for (size_t i = 0; i < hole.pixels.size(); ++i) hole.pixels[i] = mask.pixels[i * size_t(mask.c)] >= 0.5f;
  return hole;
}

Image painted_white(Image image, const Image& where) {
  for (size_t i = 0; i < where.pixels.size(); ++i)
    if (where.pixels[i] > 0) std::fill_n(image.pixels.data() + i * 3, 3, 1.0f);
  return image;
}

Image to_size(const Image& image, int size) { return image.h == size && image.w == size ? image : resize(image, size, size, Filter::linear); }

// Back to the picture's own size, where the reference says nothing: averages when that is smaller.
Image back_to(const Image& image, int h, int w) {
  if (image.h == h && image.w == w) return image;
  return resize(image, h, w, image.h > h || image.w > w ? Filter::area : Filter::linear);
}

}  // namespace

const TaskRules& rules(Task task) { return kRules[size_t(task)]; }

Task task_of(const std::string& name) {
  for (size_t i = 0; i < std::size(kRules); ++i)
    if (name == kRules[i].name) return Task(i);
  throw UsageError(text("--task must be restore, colorize or inpaint, got ", name));
}

bool is_grey(const Image& image) {
  const auto difference = [&](int a, int b) {
    return moments(image.pixels.size() / 3, [&](size_t i) {
             return double(to_byte(image.pixels[i * 3 + size_t(a)])) - double(to_byte(image.pixels[i * 3 + size_t(b)]));
           }).variance;
  };
  constexpr double kLimit = 10;
  return (difference(0, 1) + difference(1, 2) + difference(2, 0)) / 3 <= kLimit;
}

Image grey_like(const Image& result, const Image& like, int depth) {
  KIN_CHECK(result.h == like.h && result.w == like.w && result.c == 3 && like.c == 3, "grey_like: like must be ", result.w, "x", result.h,
            " of 3 channels, got ", like.w, "x", like.h, " of ", like.c);
  constexpr double kEps = 1e-5;
  const auto value = [depth](float v) { return depth == 8 ? double(to_byte(v)) : 255.0 * v; };
  const size_t count = result.pixels.size() / 3;
  std::vector<double> grey(count);
  for (size_t i = 0; i < count; ++i) {
    const float* p = result.pixels.data() + i * 3;
    grey[i] = 0.2989 * value(p[0]) + 0.5870 * value(p[1]) + 0.1140 * value(p[2]);
  }
  const Moments from = moments(count, [&](size_t i) { return grey[i]; });
  Image out(result.h, result.w);
  for (size_t c = 0; c < 3; ++c) {
    const Moments to = moments(count, [&](size_t i) { return value(like.pixels[i * 3 + c]); });
    const double scale = std::sqrt(to.variance + kEps) / std::sqrt(from.variance + kEps);
    for (size_t i = 0; i < count; ++i)
      out.pixels[i * 3 + c] = std::clamp(float(((grey[i] - from.mean) * scale + to.mean) / 255), 0.0f, 1.0f);
  }
  return out;
}

Face prepare(Task task, Image picture, int depth, const Image* mask, int size, int least) {
  KIN_CHECK(std::min(picture.h, picture.w) >= least, "the picture is ", picture.w, "x", picture.h, ", the network needs at least ", least, "x",
            least);
  Face face;
  face.picture = std::move(picture);
  face.depth = depth;
  const Image& p = face.picture;
  if (p.h != size || p.w != size) face.notes.push_back(text("resized from ", p.w, "x", p.h, " to ", size, "x", size, " for the network, and back"));
  if (p.h != p.w) face.notes.push_back("not square, so it was stretched for the network; is it an aligned face?");
  if (task == Task::inpaint) {
    face.hole = mask ? hole_of_mask(*mask, p) : white_pixels(p);
    const bool any = std::any_of(face.hole.pixels.begin(), face.hole.pixels.end(), [](float v) { return v > 0; });
    KIN_CHECK(any, mask ? "the mask marks nothing (black everywhere)" : "no pixel is pure white, so there is nothing to paint; give --mask FILE");
    // A pixel of the network's grid that any hole reaches into is a hole: mixed with its surroundings it would pass for skin.
    face.seen = painted_white(to_size(painted_white(p, face.hole), size), to_size(face.hole, size));
    return face;
  }
  face.seen = to_size(p, size);
  const bool grey = is_grey(face.seen);
  if (task == Task::restore && grey) face.notes.push_back("grey: the result was made grey too");
  if (task == Task::colorize && !grey) face.notes.push_back("the picture has colours already; the network expects grey");
  face.grey = task == Task::restore && grey;
  return face;
}

Image finish(Task task, const Face& face, const Image& result, double blend) {
  const Image& p = face.picture;
  const Image done = back_to(face.grey ? grey_like(result, face.seen, face.depth) : result, p.h, p.w);
  Image out = p;
  for (size_t i = 0; i < p.pixels.size() / 3; ++i) {
    if (task == Task::inpaint && face.hole.pixels[i] == 0) continue;
    for (size_t v = i * 3; v < i * 3 + 3; ++v)
      out.pixels[v] = blend == 1 ? done.pixels[v] : float((1 - blend) * p.pixels[v] + blend * done.pixels[v]);
  }
  return out;
}

}  // namespace kintsugi
