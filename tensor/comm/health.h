// Is every rank alive and getting on? Health is what one process knows; Watch judges all of them.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace kintsugi::comm {

using Clock = std::chrono::steady_clock;
inline Clock::duration seconds(double s) { return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s)); }

/// How far a rank has come.
struct Beat {
  uint64_t entered = 0;  // operations started
  uint64_t pulses = 0;   // signs of life between them
  bool waiting = false;  // its working thread waits for an operation to end
};

class Health {
 public:
  void enter() { ++entered_; }
  void pulse() { ++pulses_; }
  Beat beat() const { return {entered_, pulses_, waiting_ > 0}; }

  /// While one lives, the working thread waits for others.
  class Waiting {
   public:
    explicit Waiting(Health& h) : health_(h) { ++health_.waiting_; }
    ~Waiting() { --health_.waiting_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Health& health_;
  };

  /// All is over, for this reason; later ones are dropped.
  void fail(const std::string& why);
  bool failed() const { return failed_; }
  /// The reason, or empty.
  std::string failure() const;
  /// Throws Error with the reason when all is over.
  void check() const;
  /// A connection broke: waits a little for the reason to arrive by another way, then `otherwise` is it. Throws it as Error.
  [[noreturn]] void broken(const std::string& otherwise);
  /// Runs tell(reason) once, at once when all is over already.
  void on_failure(std::function<void(const std::string&)> tell);

 private:
  std::atomic<uint64_t> entered_{0}, pulses_{0};
  std::atomic<int> waiting_{0};
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::condition_variable has_failed_;
  std::string why_;
  std::vector<std::function<void(const std::string&)>> listeners_;
};

/// Names the rank that holds up the others. Three ways to be named: not heard of for the time-out; working without a sign of life for that long
/// while others wait; waiting in another operation than the others.
class Watch {
 public:
  Watch(int size, double time_out, Clock::time_point now);

  void heard(int rank, const Beat& beat, Clock::time_point now);
  /// It has said that it is done, or is judged elsewhere.
  void left(int rank) { ranks_[size_t(rank)].left = true; }
  /// The judge itself was stopped for a while: what it did not hear then counts for nothing.
  void start_over(Clock::time_point now);
  /// Empty while all is well.
  std::string verdict(Clock::time_point now) const;
  /// The first way alone.
  std::string silent(Clock::time_point now) const;

 private:
  struct Rank {
    Beat beat;
    Clock::time_point heard, moved;
    bool left = false;
  };
  bool late(Clock::time_point since, Clock::time_point now) const { return now - since > seconds(time_out_); }

  double time_out_;
  std::vector<Rank> ranks_;
};

}  // namespace kintsugi::comm
