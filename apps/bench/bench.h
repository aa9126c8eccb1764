// `kintsugi bench`: what the kernels of this build do on this machine.
#pragma once
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace kintsugi {

struct BenchCommand {
  std::vector<std::string> families;  // patterns; or the one word "restore" or "loading"
  std::vector<std::string> rows;
  std::string shapes, json, csv, svg, tune, clock = "wall", dtype = "f32";
  double seconds = 0.2;
  Device device = {};
  bool list = false, quiet = false;
  bool emulate = false;  // count memory accesses on the emulated GPU instead of timing
  bool layers = false;   // a table, with "restore"
  int size = 512;   // of the picture, with "restore" and "loading"
  double w = 0.5;   // fidelity, with "restore"
  std::vector<std::string> pictures;  // folders and packs, with "loading"
  std::vector<std::string> given;     // FAMILY and options that stood on the command line, as "--rows": what has no effect is refused
};

/// Returns kCheckFailed when a row differs from `ref`. Throws UsageError for names that fit nothing and for
/// options that what was asked for has no use for, Error when a file cannot be written.
int run_bench(const BenchCommand& command);

}  // namespace kintsugi
