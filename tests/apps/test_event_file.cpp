// Event files, read back by a parser that shares nothing with the writer: the CRC bit by bit, the messages by hand.
#include "apps/watch/event_file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <map>

#include "apps/watch/records.h"
#include "data/bytes.h"
#include "data/image_file.h"
#include "kernels/base/error.h"
#include "tensor/atomic_file.h"
#include "tests/harness/program.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

uint32_t slow_crc(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const unsigned char byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = (crc ^ uint32_t(byte >> bit)) & 1;
      crc >>= 1;
      if (odd) crc ^= 0x82F63B78;
    }
  return ~crc;
}

uint64_t little(const std::string& bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= uint64_t(uint8_t(bytes.at(at + size_t(i)))) << 8 * i;
  return value;
}

uint32_t unmasked(uint64_t masked) {
  const uint32_t rotated = uint32_t(masked) - 0xA282EAD8;
  return rotated << 15 | rotated >> 17;
}

// Field number to what stands there: numbers as 8 little-endian bytes, everything else as it is.
using Fields = std::multimap<int, std::string>;
Fields parse(const std::string& message) {
  Fields fields;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = uint8_t(message.at(at++));
      value |= uint64_t(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t tag = varint();
    std::string content;
    if (tag % 8 == 0) {
      const uint64_t value = varint();
      for (int i = 0; i < 8; ++i) content += char(value >> 8 * i);
    } else {
      const size_t length = tag % 8 == 1 ? 8 : tag % 8 == 5 ? 4 : tag % 8 == 2 ? size_t(varint()) : throw std::runtime_error("wire type");
      content = message.substr(at, length);
      REQUIRE(content.size() == length);
      at += length;
    }
    fields.emplace(int(tag / 8), content);
  }
  return fields;
}

const std::string& only(const Fields& fields, int number) {
  REQUIRE(fields.count(number) == 1);
  return fields.find(number)->second;
}
double real(const std::string& bytes) {
  double value;
  std::memcpy(&value, bytes.data(), 8);
  return value;
}

struct Event {
  int64_t step = 0;
  std::map<std::string, Fields> values;  // by tag
};
// All whole records of the folder's files in order of their names; throws out_of_range or fails where one is not whole.
std::vector<Event> read_events(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Event> events;
  for (const auto& file : files) {
    const std::string bytes = content(file);
    for (size_t at = 0, number = 0; at < bytes.size(); ++number) {
      const size_t length = size_t(little(bytes, at, 8));
      CHECK(unmasked(little(bytes, at + 8, 4)) == slow_crc(bytes.substr(at, 8)));
      const std::string payload = bytes.substr(at + 12, length);
      CHECK(unmasked(little(bytes, at + 12 + length, 4)) == slow_crc(payload));
      at += length + 16;
      const Fields event = parse(payload);
      CHECK(real(only(event, 1)) > 1.6e9);
      if (number == 0) CHECK(only(event, 3) == "brain.Event:2");
      if (event.count(5) == 0) continue;
      Event& seen = events.emplace_back();
      seen.step = int64_t(little(only(event, 2), 0, 8));
      const Fields summary = parse(only(event, 5));
      for (const auto& [field, value] : summary) {
        CHECK(field == 1);
        Fields fields = parse(value);
        seen.values[only(fields, 1)] = fields;
      }
    }
  }
  return events;
}

float scalar(const Event& event, const std::string& tag) {
  const std::string& bytes = only(event.values.at(tag), 2);
  REQUIRE(bytes.size() == 4);
  float value;
  std::memcpy(&value, bytes.data(), 4);
  return value;
}

Summary one(const std::string& tag, double value) {
  Summary summary;
  summary.scalar(tag, value);
  return summary;
}

std::vector<int64_t> steps_of(const fs::path& folder) {
  std::vector<int64_t> steps;
  for (const auto& event : read_events(folder)) steps.push_back(event.step);
  return steps;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("event file: known check sums and records") {
  CHECK(crc32c("123456789") == 0xE3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(slow_crc("123456789") == 0xE3069283);
  // Recorded from another encoder.
  const auto version = wire::Message().real64(1, 1700000000.0).bytes(3, "brain.Event:2");
  CHECK(record(version.encoded()) == from_hex("1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32eced8f9d"));
  const auto loss = wire::Message().real64(1, 1700000001.0).varint(2, 100).bytes(5, one("loss/pix", 0.25).encoded());
  CHECK(record(loss.encoded()) ==
        from_hex("1e00000000000000d9dc12320900004040fc54d94110642a110a0f0a086c6f73732f706978150000803e219c0060"));
}

TEST_CASE("event file: scalars, histogram and picture come back") {
  const Scratch folder;
  Image picture(3, 5);
  for (size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = float(i % 7) / 7;
  const std::vector<double> numbers{-2, 0.5, 0.5, 1, NAN, 4, INFINITY};
  {
    EventFile file(folder.path());
    Summary summary;
    summary.scalar("a/loss", 0.1);
    summary.scalar("big", 1e300);
    summary.scalar("none", NAN);
    summary.histogram("use", numbers);
    summary.histogram("flat", std::vector<double>{3, 3});
    summary.histogram("nothing", std::vector<double>{NAN});
    summary.image("sheet", picture);
    file.write(int64_t(1) << 40, summary);
  }
  const auto events = read_events(folder.path());
  REQUIRE(events.size() == 1);
  const Event& e = events[0];
  CHECK(e.step == int64_t(1) << 40);
  CHECK(e.values.size() == 6);
  CHECK(scalar(e, "a/loss") == 0.1f);
  CHECK(std::isinf(scalar(e, "big")));
  CHECK(std::isnan(scalar(e, "none")));

  const Fields use = parse(only(e.values.at("use"), 5));
  CHECK(real(only(use, 1)) == -2);
  CHECK(real(only(use, 2)) == 4);
  CHECK(real(only(use, 3)) == 5);
  CHECK(real(only(use, 4)) == 4);
  CHECK(real(only(use, 5)) == 4 + 0.25 + 0.25 + 1 + 16);
  const std::string &limits = only(use, 6), &counts = only(use, 7);
  REQUIRE(limits.size() == 30 * 8);
  REQUIRE(counts.size() == limits.size());
  double below = -INFINITY;
  for (size_t i = 0; i < 30; ++i) {
    const double limit = real(limits.substr(8 * i, 8));
    int expected = 0;
    for (const double v : numbers) expected += std::isfinite(v) && v > below && v <= limit;
    CHECK_MESSAGE(real(counts.substr(8 * i, 8)) == expected, "bucket " << i);
    below = limit;
  }
  CHECK(below == 4);
  CHECK(only(parse(only(e.values.at("flat"), 5)), 7).size() == 8);

  const Fields image = parse(only(e.values.at("sheet"), 4));
  CHECK(little(only(image, 1), 0, 8) == 3);
  CHECK(little(only(image, 2), 0, 8) == 5);
  CHECK(little(only(image, 3), 0, 8) == 3);
  const std::string& png = only(image, 4);
  const Image back = decode_image({reinterpret_cast<const uint8_t*>(png.data()), png.size()}, "sheet");
  Image rounded = picture;
  round_to_bytes(rounded);
  CHECK(back.pixels == rounded.pixels);
}

TEST_CASE("event file: cut at any byte it goes on without a step twice") {
  const Scratch whole;
  {
    EventFile file(whole.path());
    for (int step = 0; step < 4; ++step) file.write(step, one("loss", step));
    file.write(4, one("validation/psnr", 20));
    file.write(4, one("loss", 4));
  }
  CHECK(steps_of(whole.path()) == std::vector<int64_t>{0, 1, 2, 3, 4, 4});
  const fs::path original = fs::directory_iterator(whole.path())->path();
  const std::string bytes = content(original);
  for (size_t kept = 0; kept <= bytes.size(); ++kept) {
    const Scratch folder;
    write_file(folder / original.filename(), bytes.data(), kept);
    { EventFile rest(folder.path(), 3); rest.write(3, one("loss", 33)); }
    const auto events = read_events(folder.path());
    INFO("cut to ", kept, " bytes");
    REQUIRE(!events.empty());
    CHECK(events.back().step == 3);
    CHECK(scalar(events.back(), "loss") == 33);
    for (size_t i = 0; i + 1 < events.size(); ++i) CHECK(events[i].step == int64_t(i));
    CHECK(events.size() <= 4);
    if (kept == bytes.size()) CHECK(events.size() == 4);
  }
}

TEST_CASE("event file: what a resumed run has done stays, the rest goes") {
  const Scratch folder;
  const auto start = [&](int64_t steps, bool validated) { return EventFile(folder.path(), steps, validated).path(); };
  {
    EventFile file(folder.path());
    for (int step = 0; step < 4; ++step) file.write(step, one("loss", step));
    file.write(4, one("validation/psnr", 20));
  }
  {
    EventFile second(folder.path(), 4, true);
    second.write(4, one("loss", 4));
    second.write(5, one("loss", 5));
  }
  CHECK(steps_of(folder.path()) == std::vector<int64_t>{0, 1, 2, 3, 4, 4, 5});
  start(5, false);
  CHECK(steps_of(folder.path()) == std::vector<int64_t>{0, 1, 2, 3, 4, 4});
  start(4, true);  // the second file has nothing left and goes
  CHECK(steps_of(folder.path()) == std::vector<int64_t>{0, 1, 2, 3, 4});
  start(4, false);
  CHECK(steps_of(folder.path()) == std::vector<int64_t>{0, 1, 2, 3});
  write_file(folder / "events.out.tfevents.99999999999.elsewhere", "", 0);  // a name far ahead; the empty file goes
  fs::path before;
  for (int step = 2; step < 5; ++step) {  // within one second
    EventFile file(folder.path(), step);
    CHECK(before.filename() < file.path().filename());
    before = file.path();
    file.write(step, one("loss", step));
  }
  CHECK(steps_of(folder.path()) == std::vector<int64_t>{0, 1, 2, 3, 4});
  write_file(folder / "notes.txt", "x", 1);
  cut_events(folder.path(), 0, false);
  CHECK(folder.entries() == 1);  // other files are left alone
}

TEST_CASE("event file: a full disk is told, and the file stays readable") {
  const Scratch folder;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // with a limit of its own on the size of files
    std::signal(SIGXFSZ, SIG_IGN);
    EventFile file(folder.path());
    file.write(0, one("loss", 1));
    const rlimit most{200, 200};
    ::setrlimit(RLIMIT_FSIZE, &most);
    try {
      for (int step = 1; step < 9; ++step) file.write(step, one("loss", step));
    } catch (const Error& e) {
      const std::string what = e.what();
      ::_exit(what.find("tfevents") != std::string::npos && what.find("cannot be written: File too large") != std::string::npos ? 7 : 8);
    }
    ::_exit(9);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 7);
  const auto steps = steps_of(folder.path());
  CHECK(steps.size() >= 2);
  for (size_t i = 0; i < steps.size(); ++i) CHECK(steps[i] == int64_t(i));
  write_file(folder / "file", "x", 1);
  CHECK_THROWS_WITH_AS(EventFile(folder / "file/below"), doctest::Contains("cannot be made"), Error);
}
