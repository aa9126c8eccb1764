#pragma once
#include <string>

namespace kintsugi {

struct ConvertOptions {
  std::string in, out;
  bool json = false;  // report on stdout as JSON
};

/// `kintsugi convert IN OUT`: a PyTorch checkpoint (or a safetensors file of another program) to a checkpoint of this program:
/// safetensors with the published names and PyTorch's layout, and, when the network is known, its kind and arguments. Parameters
/// of a known network become f32. An unknown network's tensors are copied as they are. Returns an exit code; throws UsageError
/// when IN and OUT are one file or IN needs no conversion, Error when a known network's tensors are not all there or of another
/// shape.
int run_convert(const ConvertOptions& options);

}  // namespace kintsugi
