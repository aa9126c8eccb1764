// What a run leaves behind besides its checkpoints: recipe.toml with every value, metrics.jsonl, one JSON object a line, and in events/ the
// same for TensorBoard, a folder per stage.
#pragma once
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "apps/watch/event_file.h"

namespace kintsugi {

class RunLog {
 public:
  /// Makes the folder and writes recipe.toml. metrics.jsonl keeps its first `keep_bytes` bytes (all of them when it has fewer), so that
  /// what is written goes on from there. Throws Error when the folder cannot be made or written, and when another process trains there.
  /// With `writes` off nothing is touched, and what is written goes nowhere: for all ranks but the first.
  RunLog(const std::string& folder, const std::string& recipe, int64_t keep_bytes = 0, bool writes = true);

  /// Starts a stage's event file, which keeps what the folder holds of the first `steps` steps (event_file.h).
  void begin_stage(const std::string& stage, int64_t steps, bool validated);
  /// Takes back what was written of a stage and of all behind it: lines of metrics.jsonl, which stand in the order of stages, and event files.
  void forget(int first_stage);

  /// One line of metrics.jsonl: {"stage": ..., "step": ..., name: value, ...}; flushed at once. The values go into the event file too,
  /// with what `summary` shows besides: those of "stage1 health" under the tags health/NAME of stage1.
  void write(const std::string& stage, int64_t step, const Values& values, Summary summary = {});
  /// Writes NAME.png into the run folder; the next write() puts it into the event file.
  void picture(const std::string& name, const Image& image);

  /// Bytes of metrics.jsonl, all of them on the disk.
  int64_t flushed_bytes();

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  void cut_metrics(int64_t keep_bytes);

  std::string folder_;
  std::unique_ptr<std::FILE, Close> metrics_;
  std::optional<EventFile> events_;
  std::optional<std::pair<std::string, Image>> picture_;  // waits for the next write
};

}  // namespace kintsugi
