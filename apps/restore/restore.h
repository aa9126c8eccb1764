#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace kintsugi {

struct RestoreOptions {
  std::vector<std::string> inputs;  // pictures, folders, patterns; see find_pictures
  std::string weights;              // checkpoint or run folder
  std::string out = "restored";     // folder, or a file name when one picture goes in
  bool recursive = false;
  std::string task = "restore";     // or colorize, inpaint
  std::string mask;                 // inpaint: a picture, white where to paint; empty: the input's pure white pixels
  std::optional<double> w;          // empty: the task's own
  std::vector<double> sweep;        // not empty: a sheet of these w in place of each result
  double blend = 1;                 // share of the result against the input, in (0, 1]
  int batch = 1;                    // faces through the network at once
  std::string format = "same";      // of the results: same, png, jpg, webp
  int quality = 95;                 // of JPEG and lossy WebP
  bool note = true;                 // results say that they are restored
  std::string report;               // also write the report there
  bool json = false;                // report on stdout
  bool quiet = false;
  Device device = {};               // where the network runs
};

inline constexpr const char* kDefaultSweep = "0,0.25,0.5,0.75,1";

/// `kintsugi restore`: aligned faces through CodeFormer. A picture that fails is reported and the rest go on; the degraded picture is
/// never written out as restored, and no result is ever half a file. SIGINT and SIGTERM stop it after the pictures in work. Returns
/// kDone, kSomeFailed, kFailed when none worked, or 128 + the signal. Throws UsageError for options that make no sense together,
/// Error when there is nothing to work with.
int run_restore(const RestoreOptions& options);

}  // namespace kintsugi
