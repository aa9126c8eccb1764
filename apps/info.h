#pragma once
#include <string>
#include <vector>

namespace kintsugi {

/// What this build and machine can do, as text for --version and `info`.
std::string build_facts();

/// `kintsugi info [FILE...]`: facts of the build, or of each file of weights (safetensors or PyTorch): what it is, tensors, sizes, hash. Returns an exit code.
int run_info(const std::vector<std::string>& files, bool json);

}  // namespace kintsugi
