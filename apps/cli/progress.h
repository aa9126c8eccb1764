// Progress on stderr: a bar where it is a terminal, otherwise a plain line every few seconds. Never in colour, so NO_COLOR is kept.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "kernels/base/elapsed.h"

namespace kintsugi {

class Progress {
 public:
  /// `label` stands in front; `total` steps are expected, of which `first` were done before.
  Progress(std::string label, int64_t total, bool quiet = false, int64_t first = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` steps are finished; `note` stands behind ("loss 0.123"). On a terminal, what `panel` gives stands on a line below the bar; it is
  /// only asked when something is drawn.
  void update(int64_t done, const std::string& note = {}, const std::function<std::string()>& panel = {});
  /// A line of its own on stderr, quiet or not; the bar is drawn anew below it.
  void say(const std::string& line);

 private:
  void draw(int64_t done, const std::string& note, const std::string& panel);

  std::string label_;
  int64_t total_, first_;
  bool quiet_, bar_, panel_ = false;  // panel_: a line stands below the bar
  Elapsed time_;
  double last_drawn_ = -1e9;
};

/// "12.3s", "1m 05s", "2h 07m", "3d 04h".
std::string duration(double seconds);

}  // namespace kintsugi
