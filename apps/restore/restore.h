#pragma once
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace kintsugi {

struct RestoreOptions {
  std::vector<std::string> inputs;  // images, or folders of images
  std::string weights;              // checkpoint or run folder
  std::string out = "restored";     // folder, or a file name when one image goes in
  double w = 0.5;
  bool json = false;                // report on stdout
  bool quiet = false;
  Device device;
};

/// `kintsugi restore`: restores aligned faces. A picture that fails is reported and the rest go on; the degraded picture is never
/// written out as restored. Returns kDone, kSomeFailed, or kFailed when none worked.
int run_restore(const RestoreOptions& options);

}  // namespace kintsugi
