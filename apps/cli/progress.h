// Progress on stderr: a bar where it is a terminal, otherwise a plain line every few seconds. Never in colour, so NO_COLOR is kept.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace kintsugi {

class Progress {
 public:
  /// `label` stands in front; `total` steps are expected, of which `first` were done before.
  Progress(std::string label, int64_t total, bool quiet = false, int64_t first = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` steps are finished; `note` stands behind ("loss 0.123").
  void update(int64_t done, const std::string& note = {});
  /// A line of its own on stderr, quiet or not; the bar is drawn anew below it.
  void say(const std::string& line);

 private:
  double seconds() const;
  void draw(int64_t done, const std::string& note);

  std::string label_;
  int64_t total_, first_;
  bool quiet_, bar_;
  std::chrono::steady_clock::time_point start_;
  double last_drawn_ = -1e9;
};

/// "12.3s", "1m 05s", "2h 07m", "3d 04h".
std::string duration(double seconds);

}  // namespace kintsugi
