// ops_resample: interpolation, pooling, shuffles, pads and sampling by a grid.
#include <cstdio>
#include <map>

#include "apps/parity/op_run.h"
#include "autograd/ops/grid_sample.h"
#include "autograd/ops/pad2d.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/resize.h"
#include "autograd/ops/shape.h"

namespace kintsugi::parity {
namespace {

/// f: image to image.
OpAdapter image_op(std::function<Var(const Var&)> f) {
  return [f = std::move(f)](OpRun& r) { r.output("out", f(r.input("x", nchw)), nchw); };
}

void interpolate_case(OpRun& r) {
  static const std::map<std::string, ResizeMode> modes{{"nearest", ResizeMode::nearest},
                                                       {"bilinear", ResizeMode::bilinear},
                                                       {"bicubic", ResizeMode::bicubic},
                                                       {"area", ResizeMode::area}};
  const Json& o = r.options();
  const auto mode = modes.find(o.at("mode").get<std::string>());
  KIN_CHECK(mode != modes.end(), "interpolate: unknown mode ", o.at("mode").get<std::string>());
  const bool corners = o.value("align_corners", false), antialias = o.value("antialias", false);
  const Var x = r.input("x", nchw);
  if (o.contains("scale_factor")) {
    r.output("out", resize_by(x, o.at("scale_factor").get<double>(), mode->second, corners, antialias), nchw);
  } else {
    const auto size = o.at("size").get<std::vector<int64_t>>();
    r.output("out", resize(x, size.at(0), size.at(1), mode->second, corners, antialias), nchw);
  }
}

void grid_sample_case(OpRun& r) {
  static const std::map<std::string, GridPadding> paddings{
      {"zeros", GridPadding::zeros}, {"border", GridPadding::border}, {"reflection", GridPadding::reflection}};
  r.output("out",
           grid_sample(r.input("x", nchw), r.input("grid"), GridSampling::bilinear,
                       paddings.at(r.options().at("padding_mode").get<std::string>()), r.options().at("align_corners").get<bool>()),
           nchw);
}

void affine_grid_case(OpRun& r, int64_t h, int64_t w) {
  r.output("out", affine_grid(r.input("theta"), h, w, r.options().at("align_corners").get<bool>()));
}

/// "reflect pad left 2 right 1 top 1 bottom 3"
OpAdapter pad_case(const std::string& op) {
  char mode[16];
  int left, right, top, bottom;
  if (std::sscanf(op.c_str(), "%15s pad left %d right %d top %d bottom %d", mode, &left, &right, &top, &bottom) != 5) return {};
  const std::map<std::string, PadMode> modes{{"zero", PadMode::constant}, {"reflect", PadMode::reflect}, {"replicate", PadMode::replicate}};
  const auto found = modes.find(mode);
  if (found == modes.end()) return {};
  return image_op([=, mode = found->second](const Var& x) { return pad2d(x, top, bottom, left, right, mode); });
}

/// Ops whose numbers are written in their name, such as "max_pool2d kernel 3 stride 2 padding 1".
OpAdapter by_text(const std::string& op) {
  int a = 0, b = 0, c = 0;
  const char* s = op.c_str();
  if (std::sscanf(s, "max_pool2d kernel %d stride %d padding %d", &a, &b, &c) >= 2)
    return image_op([=](const Var& x) { return max_pool(x, a, b, c); });
  if (std::sscanf(s, "avg_pool2d kernel %d stride %d padding %d", &a, &b, &c) >= 2)
    return image_op([=](const Var& x) { return avg_pool(x, a, b, c, true); });
  if (std::sscanf(s, "adaptive_avg_pool2d (%d,%d)", &a, &b) == 2) return image_op([=](const Var& x) { return adaptive_avg_pool(x, a, b); });
  if (std::sscanf(s, "adaptive_max_pool2d (%d,%d)", &a, &b) == 2) return image_op([=](const Var& x) { return adaptive_max_pool(x, a, b); });
  if (std::sscanf(s, "adaptive_avg_pool2d %d", &a) == 1) return image_op([=](const Var& x) { return adaptive_avg_pool(x, a, a); });
  if (std::sscanf(s, "adaptive_max_pool2d %d", &a) == 1) return image_op([=](const Var& x) { return adaptive_max_pool(x, a, a); });
  if (std::sscanf(s, "pixel_shuffle %d", &a) == 1) return image_op([=](const Var& x) { return pixel_shuffle(x, a); });
  if (std::sscanf(s, "pixel_unshuffle %d", &a) == 1) return image_op([=](const Var& x) { return pixel_unshuffle(x, a); });
  if (std::sscanf(s, "affine_grid to (%d,%d)", &a, &b) == 2) return [=](OpRun& r) { affine_grid_case(r, a, b); };
  return pad_case(op);
}

OpAdapter choose(const std::string&, const Json& options) {
  const std::string op = options.value("op", "");
  if (op == "interpolate") return interpolate_case;
  if (op == "grid_sample bilinear") return grid_sample_case;
  return by_text(op);
}

const ParityRegistration registration(op_kind("ops_resample", choose));

}  // namespace
}  // namespace kintsugi::parity
