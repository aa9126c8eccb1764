#include "apps/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace kintsugi {
namespace {
constexpr double kBarEvery = 0.1, kLineEvery = 5;  // seconds
}

std::string duration(double s) {
  const int64_t whole = int64_t(s), minutes = whole / 60, hours = minutes / 60;
  if (s < 60) return fmt::format("{:.1f}s", s);
  if (hours == 0) return fmt::format("{}m {:02d}s", minutes, whole % 60);
  if (hours < 24) return fmt::format("{}h {:02d}m", hours, minutes % 60);
  return fmt::format("{}d {:02d}h", hours / 24, hours % 24);
}

Progress::Progress(std::string label, int64_t total, bool quiet, int64_t first)
    : label_(std::move(label)), total_(std::max<int64_t>(1, total)), first_(first), quiet_(quiet), bar_(isatty(STDERR_FILENO)),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (!quiet_ && bar_ && last_drawn_ >= 0) std::fputc('\n', stderr);
}

double Progress::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

void Progress::update(int64_t done, const std::string& note) {
  if (quiet_) return;
  const double now = seconds();
  if (done < total_ && now - last_drawn_ < (bar_ ? kBarEvery : kLineEvery)) return;
  last_drawn_ = now;
  draw(done, note);
}

void Progress::say(const std::string& line) {
  const bool over_bar = !quiet_ && bar_ && last_drawn_ >= 0;
  fmt::print(stderr, "{}{}\n", over_bar ? "\r\033[K" : "", line);
  if (over_bar) last_drawn_ = -1;
}

void Progress::draw(int64_t done, const std::string& note) {
  const double share = double(done) / double(total_), now = seconds();
  const std::string left =
      done > first_ && done < total_ ? " left " + duration(now * double(total_ - done) / double(done - first_)) : " in " + duration(now);
  if (!bar_) {
    fmt::print(stderr, "{} {}/{}{} {}\n", label_, done, total_, left, note);
    return;
  }
  constexpr int width = 28;
  const int filled = std::clamp(int(share * width), 0, width);
  fmt::print(stderr, "\r\033[K{:<18} [{}{}] {}/{}{} {}", label_, std::string(size_t(filled), '#'), std::string(size_t(width - filled), '.'), done, total_, left, note);
  std::fflush(stderr);
}

}  // namespace kintsugi
