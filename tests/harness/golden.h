// Test vectors recorded from the reference programs. They are kept beside the source tree, not in it; a test that needs
// them says that it was skipped where they are absent.
#pragma once
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tensor/safetensors.h"

namespace kintsugi {

/// $KINTSUGI_GOLDEN, else shared/golden beside the source folder or up to two folders above it.
inline std::filesystem::path golden_folder() {
  if (const char* set = std::getenv("KINTSUGI_GOLDEN")) return set;
  std::filesystem::path above = std::filesystem::path(KIN_SOURCE_DIR).parent_path();
  for (int i = 0; i < 3; ++i, above = above.parent_path())
    if (std::filesystem::is_directory(above / "shared" / "golden")) return above / "shared" / "golden";
  return {};
}

/// Opens a file of the folder, or says that the running test is skipped and returns nothing:
///   const auto golden = open_golden("metrics.safetensors");
///   if (!golden) return;
inline std::optional<SafetensorsFile> open_golden(const std::string& name) {
  const std::filesystem::path path = golden_folder() / name;
  if (golden_folder().empty() || !std::filesystem::exists(path)) {
    MESSAGE("skipped: no golden file " << name);
    return std::nullopt;
  }
  return SafetensorsFile(path.string());
}

}  // namespace kintsugi
