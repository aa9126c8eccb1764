#include "apps/train/run_log.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/base/error.h"
#include "tensor/atomic_file.h"

namespace kintsugi {

RunLog::RunLog(const std::string& folder, const std::string& recipe, bool goes_on) : folder_(folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  KIN_CHECK(!error, folder, ": the run folder cannot be made: ", error.message());
  write_file(path("recipe.toml"), recipe.data(), recipe.size());
  metrics_.reset(std::fopen(path("metrics.jsonl").c_str(), goes_on ? "a" : "w"));
  KIN_CHECK(metrics_, path("metrics.jsonl"), ": cannot be written: ", std::strerror(errno));
}

void RunLog::write(const std::string& stage, int64_t step, const Values& values) {
  nlohmann::ordered_json line{{"stage", stage}, {"step", step}};
  for (const auto& [name, value] : values) line[name] = value;
  const std::string text = line.dump() + "\n";
  const bool written = std::fwrite(text.data(), 1, text.size(), metrics_.get()) == text.size() && std::fflush(metrics_.get()) == 0;
  KIN_CHECK(written, path("metrics.jsonl"), ": cannot be written: ", std::strerror(errno));
}

}  // namespace kintsugi
