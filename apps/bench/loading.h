// `kintsugi bench loading`: what a picture costs before it reaches the network.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/bench/machine.h"

namespace kintsugi::bench {

/// One thread's time for a sample of a source, read and degraded as in stage II.
struct LoadingRow {
  std::string source;
  int pictures = 0;      // measured, each another one
  double read = 0;       // seconds for a picture: found, decoded, brought to size
  double degraded = 0;   // the same and blurred, shrunk, noised, compressed and enlarged
};

/// The first `pictures` of a folder or pack, at `size` pixels. A first picture is read beforehand. Throws Error as open_pictures does.
LoadingRow measure_loading(const std::string& source, int size, int pictures, Clock clock);

std::string to_text(const LoadingRow& row);
nlohmann::ordered_json to_json(const std::vector<LoadingRow>& rows, int size, Clock clock);

}  // namespace kintsugi::bench
