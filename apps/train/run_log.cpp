#include "apps/train/run_log.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/image_file.h"
#include "kernels/base/error.h"
#include "tensor/atomic_file.h"

namespace kintsugi {

RunLog::RunLog(const std::string& folder, const std::string& recipe, int64_t keep_bytes, bool writes) : folder_(folder) {
  if (!writes) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  KIN_CHECK(!error, folder, ": the run folder cannot be made: ", error.message());
  const std::string metrics = path("metrics.jsonl");
  metrics_.reset(std::fopen(metrics.c_str(), "a"));
  KIN_CHECK(metrics_, metrics, ": cannot be written: ", std::strerror(errno));
  const int descriptor = ::fileno(metrics_.get());
  // A file system that has no locks goes without this check.
  KIN_CHECK(::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, folder, ": another process is training in this folder");
  cut_metrics(keep_bytes);
  write_file(path("recipe.toml"), recipe.data(), recipe.size());
}

void RunLog::cut_metrics(int64_t keep_bytes) {
  const std::string metrics = path("metrics.jsonl");
  const int64_t there = int64_t(std::filesystem::file_size(metrics));
  KIN_CHECK(there <= keep_bytes || ::ftruncate(::fileno(metrics_.get()), keep_bytes) == 0, metrics, ": cannot be written: ", std::strerror(errno));
}

int64_t RunLog::flushed_bytes() {
  if (!metrics_) return 0;
  // Where a disk cannot be flushed (EINVAL), what the system holds is all there is.
  KIN_CHECK(::fsync(::fileno(metrics_.get())) == 0 || errno == EINVAL || errno == EROFS, path("metrics.jsonl"), ": cannot be written: ", std::strerror(errno));
  return int64_t(std::filesystem::file_size(path("metrics.jsonl")));
}

void RunLog::begin_stage(const std::string& stage, int64_t steps, bool validated) {
  if (!metrics_) return;
  picture_.reset();
  events_.emplace(path("events/" + stage), steps, validated);
}

void RunLog::forget(int first_stage) {
  if (!metrics_) return;
  std::ifstream lines(path("metrics.jsonl"));
  int64_t kept = 0;
  for (std::string line; std::getline(lines, line); kept += int64_t(line.size()) + 1) {
    int stage = 0;
    if (std::sscanf(line.c_str(), R"({"stage":"stage%d)", &stage) != 1 || stage >= first_stage) break;
  }
  cut_metrics(kept);
  for (int stage = first_stage; stage <= 3; ++stage) cut_events(path(text("events/stage", stage)), 0, false);
}

void RunLog::picture(const std::string& name, const Image& image) {
  if (!metrics_) return;
  write_image(path(name + ".png"), image);
  picture_.emplace(name, image);
}

void RunLog::write(const std::string& stage, int64_t step, const Values& values, Summary summary) {
  if (!metrics_) return;
  nlohmann::ordered_json line{{"stage", stage}, {"step", step}};
  for (const auto& [name, value] : values) line[name] = value;
  const std::string text = line.dump() + "\n";
  const bool written = std::fwrite(text.data(), 1, text.size(), metrics_.get()) == text.size() && std::fflush(metrics_.get()) == 0;
  KIN_CHECK(written, path("metrics.jsonl"), ": cannot be written: ", std::strerror(errno));
  if (!events_) return;
  const size_t space = stage.find(' ');
  const std::string prefix = space == std::string::npos ? "" : stage.substr(space + 1) + "/";
  for (const auto& [name, value] : values) summary.scalar(prefix + name, value);
  if (picture_) summary.image(prefix + picture_->first, picture_->second);
  picture_.reset();
  events_->write(step, summary);
}

}  // namespace kintsugi
