#include "apps/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace kintsugi {
namespace {
constexpr double kBarEvery = 0.1, kLineEvery = 5;  // seconds

// What fits into one line of the terminal, where it tells its width.
std::string clipped(const std::string& line) {
  winsize size = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? line.substr(0, size_t(size.ws_col) - 1) : line;
}
}  // namespace

std::string duration(double s) {
  const int64_t whole = int64_t(s), minutes = whole / 60, hours = minutes / 60;
  if (s < 60) return fmt::format("{:.1f}s", s);
  if (hours == 0) return fmt::format("{}m {:02d}s", minutes, whole % 60);
  if (hours < 24) return fmt::format("{}h {:02d}m", hours, minutes % 60);
  return fmt::format("{}d {:02d}h", hours / 24, hours % 24);
}

Progress::Progress(std::string label, int64_t total, bool quiet, int64_t first)
    : label_(std::move(label)), total_(std::max<int64_t>(1, total)), first_(first), quiet_(quiet), bar_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (!quiet_ && bar_ && last_drawn_ >= 0) std::fputs(panel_ ? "\n\n" : "\n", stderr);
}

void Progress::update(int64_t done, const std::string& note, const std::function<std::string()>& panel) {
  if (quiet_) return;
  const double now = time_.seconds();
  if (done < total_ && now - last_drawn_ < (bar_ ? kBarEvery : kLineEvery)) return;
  last_drawn_ = now;
  draw(done, note, bar_ && panel ? panel() : "");
}

void Progress::say(const std::string& line) {
  const bool over_bar = !quiet_ && bar_ && last_drawn_ >= 0;
  fmt::print(stderr, "{}{}\n", !over_bar ? "" : panel_ ? "\r\033[J" : "\r\033[K", line);
  if (over_bar) last_drawn_ = -1;
  panel_ = false;
}

void Progress::draw(int64_t done, const std::string& note, const std::string& panel) {
  const double share = double(done) / double(total_), now = time_.seconds();
  const std::string left =
      done > first_ && done < total_ ? " left " + duration(now * double(total_ - done) / double(done - first_)) : " in " + duration(now);
  if (!bar_) {
    fmt::print(stderr, "{} {}/{}{} {}\n", label_, done, total_, left, note);
    return;
  }
  constexpr int width = 28;
  const int filled = std::clamp(int(share * width), 0, width);
  const std::string line = fmt::format("{:<18} [{}{}] {}/{}{} {}", label_, std::string(size_t(filled), '#'), std::string(size_t(width - filled), '.'),
                                       done, total_, left, note);
  fmt::print(stderr, "\r\033[K{}", panel.empty() ? line : clipped(line));
  // Below the bar and back up to it.
  if (!panel.empty()) fmt::print(stderr, "\n\r\033[K{}\033[A", clipped(panel));
  panel_ = !panel.empty();
  std::fflush(stderr);
}

}  // namespace kintsugi
