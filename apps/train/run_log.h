// What a run leaves behind besides its checkpoints: recipe.toml with every value, and metrics.jsonl, one JSON object a line.
#pragma once
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kintsugi {

/// Named numbers, in the order they are shown.
using Values = std::vector<std::pair<std::string, double>>;

class RunLog {
 public:
  /// Makes the folder and writes recipe.toml. metrics.jsonl keeps its first `keep_bytes` bytes (all of them when it has fewer), so that
  /// what is written goes on from there. Throws Error when the folder cannot be made or written, and when another process trains there.
  /// With `writes` off nothing is touched, and what is written goes nowhere: for all ranks but the first.
  RunLog(const std::string& folder, const std::string& recipe, int64_t keep_bytes = 0, bool writes = true);

  /// One line of metrics.jsonl: {"stage": ..., "step": ..., name: value, ...}; flushed at once.
  void write(const std::string& stage, int64_t step, const Values& values);

  /// Bytes of metrics.jsonl, all of them on the disk.
  int64_t flushed_bytes();

  const std::string& folder() const { return folder_; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::string folder_;
  std::unique_ptr<std::FILE, Close> metrics_;
};

}  // namespace kintsugi
