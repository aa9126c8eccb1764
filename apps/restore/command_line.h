// `kintsugi restore` as it is typed.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "apps/restore/restore.h"

namespace kintsugi {

void add_restore_options(CLI::App& command, RestoreOptions& options);

/// The arguments without the program's name, in the order CLI11 reads them (last first). "--sweep-w" without a list of numbers behind
/// it gets kDefaultSweep, so that it does not swallow a picture's name.
std::vector<std::string> with_sweep_values(const std::vector<std::string>& arguments);

}  // namespace kintsugi
