#include "tensor/comm/health.h"

#include "kernels/base/error.h"

namespace kintsugi::comm {

void Health::fail(const std::string& why) {
  std::vector<std::function<void(const std::string&)>> listeners;
  {
    std::lock_guard lock(mutex_);
    if (failed_) return;
    why_ = why;
    failed_ = true;
    listeners.swap(listeners_);
  }
  has_failed_.notify_all();
  for (const auto& tell : listeners) tell(why);
}

std::string Health::failure() const {
  std::lock_guard lock(mutex_);
  return why_;
}

void Health::check() const {
  if (failed_) throw Error(failure());
}

void Health::broken(const std::string& otherwise) {
  constexpr double kGrace = 3;  // the news of a rank's end travels by way of rank 0
  {
    std::unique_lock lock(mutex_);
    has_failed_.wait_for(lock, seconds(kGrace), [&] { return failed_.load(); });
  }
  fail(otherwise);
  throw Error(failure());
}

void Health::on_failure(std::function<void(const std::string&)> tell) {
  {
    std::lock_guard lock(mutex_);
    if (!failed_) return listeners_.push_back(std::move(tell));
  }
  tell(failure());
}

Watch::Watch(int size, double time_out, Clock::time_point now) : time_out_(time_out), ranks_(size_t(size)) { start_over(now); }

void Watch::start_over(Clock::time_point now) {
  for (Rank& r : ranks_) r.heard = r.moved = now;
}

void Watch::heard(int rank, const Beat& beat, Clock::time_point now) {
  Rank& r = ranks_[size_t(rank)];
  if (beat.entered != r.beat.entered || beat.pulses != r.beat.pulses || beat.waiting != r.beat.waiting) r.moved = now;
  r.beat = beat;
  r.heard = now;
}

std::string Watch::silent(Clock::time_point now) const {
  for (size_t i = 0; i < ranks_.size(); ++i)
    if (!ranks_[i].left && late(ranks_[i].heard, now))
      return text("rank ", i, " has not been heard of for ", time_out_, " s: its process is stopped or its machine cannot be reached");
  return {};
}

std::string Watch::verdict(Clock::time_point now) const {
  if (const std::string why = silent(now); !why.empty()) return why;
  const Rank *waiter = nullptr, *gone = nullptr, *idle = nullptr, *behind = nullptr, *ahead = nullptr;
  bool all_wait = true, all_late = true;
  for (const Rank& r : ranks_) {
    if (r.left) {
      gone = &r;
      continue;
    }
    if (r.beat.waiting) waiter = &r;
    else if (late(r.moved, now)) idle = &r;
    all_wait &= r.beat.waiting;
    all_late &= late(r.moved, now);
    if (!behind || r.beat.entered < behind->beat.entered) behind = &r;
    if (!ahead || r.beat.entered > ahead->beat.entered) ahead = &r;
  }
  const auto number = [&](const Rank* r) { return r - ranks_.data(); };
  if (!waiter) return {};
  if (idle) return text("rank ", number(idle), " hangs: no sign of life from its work for ", time_out_, " s, while rank ", number(waiter), " waits for it");
  if (!all_wait || !all_late) return {};
  if (gone) return text("rank ", number(gone), " has left, while rank ", number(waiter), " waits for it");
  const uint64_t first = behind->beat.entered, last = ahead->beat.entered;
  if (first != last)
    return text("rank ", number(behind), " waits in operation ", first, " and rank ", number(ahead), " in operation ", last, " for ", time_out_,
                " s: they do not run the same program");
  return text("all ranks have waited in operation ", first, " for ", time_out_, " s: nothing arrives over the network");
}

}  // namespace kintsugi::comm
