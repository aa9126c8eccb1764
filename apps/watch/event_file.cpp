#include "apps/watch/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "apps/watch/records.h"
#include "kernels/base/error.h"
#include "tensor/mapped_file.h"

namespace kintsugi {
namespace {

namespace fs = std::filesystem;
const std::string kStem = "events.out.tfevents.";

// Fields of event.proto.
enum { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };

double wall_time() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// In the order they were written in, which is that of their names.
std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().filename().string().starts_with(kStem)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

struct Seen {
  int64_t step = 0;
  bool summary = false, validation = false;
};
Seen look_at(std::string_view event) {
  Seen seen;
  while (const auto field = wire::take_field(event)) {
    if (field->number == kStep) seen.step = int64_t(field->value);
    if (field->number != kSummary) continue;
    seen.summary = true;
    std::string_view summary = field->bytes;
    auto value = wire::take_field(summary);
    if (!value) continue;
    if (const auto tag = wire::take_field(value->bytes)) seen.validation = tag->bytes.starts_with(text(kValidation, "/"));
  }
  return seen;
}

struct Cut {
  size_t kept = 0;     // bytes
  bool whole = true;   // nothing was cut off
  bool empty = true;   // nothing is shown in what is kept
};
Cut cut_of(std::string_view file, int64_t steps, bool validated) {
  const std::string_view all = file;
  Cut cut;
  for (;;) {
    cut.kept = all.size() - file.size();
    const auto event = take_record(file);
    if (!event) break;
    const Seen seen = look_at(*event);
    const bool done = seen.step < steps || (seen.step == steps && seen.validation && validated);
    if (seen.summary && !done) break;
    cut.empty &= !seen.summary;
  }
  cut.whole = cut.kept == all.size();
  return cut;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "localhost";
}

// Later than every file there, however the clock stands.
fs::path next_name(const fs::path& folder) {
  int64_t seconds = int64_t(wall_time());
  for (const auto& file : event_files(folder)) seconds = std::max(seconds, int64_t(std::atoll(file.filename().c_str() + kStem.size())) + 1);
  return folder / text(kStem, seconds, ".", host_name());
}

}  // namespace

void cut_events(const fs::path& folder, int64_t steps, bool validated) {
  bool over = false;  // nothing is kept behind the first cut
  for (const auto& file : event_files(folder)) {
    Cut cut;
    if (!over && fs::file_size(file) > 0) {
      const MappedFile mapped(file.string());
      cut = cut_of({reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()}, steps, validated);
      over = !cut.whole;
    }
    std::error_code error;
    if (cut.empty) fs::remove(file, error);
    else if (!cut.whole) fs::resize_file(file, cut.kept, error);
    KIN_CHECK(!error, file.string(), ": cannot be written: ", error.message());
  }
}

EventFile::EventFile(const fs::path& folder, int64_t steps, bool validated) {
  std::error_code error;
  fs::create_directories(folder, error);
  KIN_CHECK(!error, folder.string(), ": the folder cannot be made: ", error.message());
  cut_events(folder, steps, validated);
  path_ = next_name(folder);
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  KIN_CHECK(descriptor_ >= 0, path_.string(), ": cannot be written: ", std::strerror(errno));
  append(record(wire::Message().real64(kWallTime, wall_time()).bytes(kFileVersion, "brain.Event:2").encoded()));
  // SessionLog START: a TensorBoard that has the cut records in memory forgets them.
  if (steps > 0)
    append(record(wire::Message().real64(kWallTime, wall_time()).varint(kStep, uint64_t(steps + validated))
                      .bytes(kSessionLog, wire::Message().varint(1, 1).encoded()).encoded()));
}

EventFile::~EventFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::write(int64_t step, const Summary& summary) {
  append(record(wire::Message().real64(kWallTime, wall_time()).varint(kStep, uint64_t(step)).bytes(kSummary, summary.encoded()).encoded()));
}

void EventFile::append(const std::string& record) {
  size_t done = 0;
  while (done < record.size()) {
    const ssize_t n = ::write(descriptor_, record.data() + done, record.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int reason = n < 0 ? errno : ENOSPC;
      if (::ftruncate(descriptor_, size_) == 0) ::lseek(descriptor_, size_, SEEK_SET);
      fail(path_.string(), ": cannot be written: ", std::strerror(reason));
    }
    done += size_t(n);
  }
  size_ += int64_t(record.size());
}

}  // namespace kintsugi
