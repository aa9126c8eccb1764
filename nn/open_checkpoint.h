// Weight files of any kind, told apart by what they hold and never by their name.
#pragma once
#include <string>

#include "nn/checkpoint.h"

namespace kintsugi {

enum class WeightFormat : uint8_t { safetensors, pth_zip, pth_legacy };

/// "safetensors", "PyTorch (zip)" or "PyTorch (legacy)".
const char* name(WeightFormat f);

/// Looks at the first bytes only. Throws Error naming the file when it is none of these, saying what it seems to be.
WeightFormat weight_format(const std::string& path);

/// The tensors of a file of any format; the source keeps the file open. Throws Error as SafetensorsFile and PthFile do.
TensorSource open_checkpoint(const std::string& path);

}  // namespace kintsugi
