// `kintsugi parity`: rebuilds every golden case found in a folder and compares outputs and gradients with the stored ones.
#pragma once
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace kintsugi {

struct ParityOptions {
  std::filesystem::path dir;   // searched recursively for .safetensors files; a single file is taken too
  std::string only;            // part of "file/case", or a pattern with *; empty: everything
  std::vector<std::string> except;  // likewise: cases to leave out
  std::filesystem::path json;  // where the results go as JSON; empty: nowhere
  Device device = {};               // for what is computed in f32; f64 stays on the CPU
  bool failures_only = false;  // print the rows that failed, not all
};

/// Writes a table (case, tensor, error, tolerance, ok) to `out` and returns the exit code: 0 when every comparison held,
/// 4 when one failed or a case threw. Cases whose network does not exist yet and cases nobody knows are listed and counted, and are
/// no failures. Throws UsageError when there is nothing to check.
int run_parity(const ParityOptions& options, std::ostream& out);

}  // namespace kintsugi
