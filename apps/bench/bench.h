// `kintsugi bench`: what the kernels of this build do on this machine.
#pragma once
#include <string>
#include <vector>

namespace kintsugi {

struct BenchCommand {
  std::vector<std::string> families;  // patterns; or the one word "restore"
  std::vector<std::string> rows;
  std::string shapes, json, csv, svg, clock = "wall";
  double seconds = 0.2;
  bool list = false, quiet = false;
  bool layers = false;  // a table, with "restore"
  int size = 512;   // of the picture, with "restore"
  double w = 0.5;   // fidelity, with "restore"
};

/// Returns kCheckFailed when a row differs from `ref`. Throws UsageError for names that fit nothing, Error when a file cannot be written.
int run_bench(const BenchCommand& command);

}  // namespace kintsugi
