#pragma once
#include <string>

#include "kernels/base/device.h"

namespace kintsugi {

struct DemoOptions {
  std::string out = "demo";
  int seed = 1;
  bool quiet = false;
  Device device = {};
};

/// `kintsugi demo`: trains the three stages at small scale on drawn faces, restores held-out degraded ones at w = 0, 0.5 and 1, prints
/// PSNR, SSIM and code accuracy before and after, and writes one contact sheet (degraded | w=0 | w=0.5 | w=1 | truth).
int run_demo(const DemoOptions& options);

}  // namespace kintsugi
