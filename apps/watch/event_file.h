// Event files as TensorBoard reads them: `tensorboard --logdir RUN/events`.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "apps/watch/values.h"
#include "apps/watch/wire.h"
#include "data/image.h"

namespace kintsugi {

/// What one event shows, under tags.
class Summary {
 public:
  void scalar(const std::string& tag, double value);  // as f32, which is what the format holds
  /// 30 buckets of equal width over the finite values; nothing when there are none.
  void histogram(const std::string& tag, std::span<const double> values);
  /// As PNG of 8 bits. Throws Error as encode_png does.
  void image(const std::string& tag, const Image& image);

  const std::string& encoded() const { return message_.encoded(); }

 private:
  void value(const std::string& tag, int field, std::string_view content);

  wire::Message message_;
};

/// Tags of what was measured behind a step are kValidation/NAME; see EventFile's `validated`.
inline constexpr const char* kValidation = "validation";

/// One file of events, in a folder with those that earlier processes of the same run wrote.
class EventFile {
 public:
  /// Keeps what the folder's files hold of a run that has done `steps` steps, and of the validation behind them when that is
  /// `validated`, and cuts the rest off, records that a process was killed in the middle of too; so that a run that goes on writes no step a
  /// second time. Then starts a file of its own, behind them by name. Throws Error when the folder cannot be made or written.
  explicit EventFile(const std::filesystem::path& folder, int64_t steps = 0, bool validated = false);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// One record, handed to the system whole. Throws Error when the disk refuses; the file then ends with the record before.
  void write(int64_t step, const Summary& summary);

  const std::filesystem::path& path() const { return path_; }

 private:
  void append(const std::string& record);

  std::filesystem::path path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

/// Cuts a folder's files as EventFile's constructor does, and removes those that nothing is left of.
void cut_events(const std::filesystem::path& folder, int64_t steps, bool validated);

}  // namespace kintsugi
