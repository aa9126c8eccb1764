#include "apps/bench/loading.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/bench/report.h"
#include "data/batch.h"
#include "data/picture_source.h"

namespace kintsugi::bench {
namespace {

// As a batch is made of them, floats in [-1, 1] included.
double seconds_for_each(const Dataset& data, int count, Clock clock) {
  const auto sample = [&](int i) {
    const std::pair<uint64_t, int64_t> one[] = {{0, i}};
    make_batch(data, one);
  };
  sample(0);
  const double start = seconds_now(clock);
  for (int i = 0; i < count; ++i) sample(i);
  return (seconds_now(clock) - start) / count;
}

}  // namespace

LoadingRow measure_loading(const std::string& source, int size, int pictures, Clock clock) {
  const DatasetPtr clean = open_pictures(source, {.size = size});
  LoadingRow row{source, int(std::min<int64_t>(pictures, clean->size()))};
  row.read = seconds_for_each(*clean, row.pictures, clock);
  row.degraded = seconds_for_each(DegradeDataset(clean, DegradeOptions::stage2().for_size(size), 1), row.pictures, clock);
  return row;
}

std::string to_text(const LoadingRow& row) {
  return fmt::format("{}\n    read {}, {:.0f} pictures/s    degraded too {}, {:.1f} pictures/s    ({} pictures)\n", row.source, time_text(row.read), 1 / row.read,
                     time_text(row.degraded), 1 / row.degraded, row.pictures);
}

nlohmann::ordered_json to_json(const std::vector<LoadingRow>& rows, int size, Clock clock) {
  nlohmann::ordered_json out{{"size", size}, {"clock", name(clock)}, {"threads", 1}, {"loading", nlohmann::ordered_json::array()}};
  for (const LoadingRow& r : rows)
    out["loading"].push_back({{"source", r.source}, {"pictures", r.pictures}, {"read_seconds", r.read}, {"degraded_seconds", r.degraded}});
  return out;
}

}  // namespace kintsugi::bench
