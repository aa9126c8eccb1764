// kintsugi prepare, and training from what it makes.
#include <nlohmann/json.hpp>

#include "tests/apps/tiny_run.h"

using namespace kintsugi;
namespace fs = std::filesystem;

namespace {

/// Pictures of 12 people, of sizes from 16 to 27.
void write_people(const fs::path& folder) {
  for (int i = 0; i < 12; ++i) write_picture(folder / ("p" + std::to_string(i) + (i % 3 ? ".png" : ".jpg")), 16 + i, 16 + (i * 5) % 12);
}

std::string hash_line(const ProgramRun& run) { return run.out.substr(run.out.find("  hash ")); }

}  // namespace

TEST_CASE("prepare: report and pack, exit codes") {
  const Scratch folder;
  const fs::path photos = folder / "photos";
  write_people(photos);
  const std::string in = "prepare " + quoted(photos);
  const ProgramRun whole = run_program(in + " -q --json -o " + quoted(folder / "a.pack") + " --size 16");
  REQUIRE_MESSAGE(whole.exit_code == 0, whole.output);
  CHECK(whole.err == "");
  const auto report = nlohmann::json::parse(whole.out);
  CHECK(report["pictures"] == 12);
  CHECK(report["formats"] == nlohmann::json({{"PNG", 8}, {"JPEG", 4}}));
  CHECK(report["resized"]["as_they_are"] == 1);
  CHECK(report["resized"]["shrunk"] == 11);
  CHECK(report["resized"]["cut"] == 8);  // four of the twelve are square
  CHECK(report["resized"]["enlarged"] == 0);
  CHECK(report["unreadable"].empty());
  CHECK(report["without_identity"] == 12);
  CHECK(report["pack"]["bytes"] == fs::file_size(folder / "a.pack"));
  CHECK(report["pack"]["stored_as"] == "rgb8");

  write_text(photos / "broken.png", "\x89PNG\r\n\x1a\n...");
  fs::copy_file(photos / "p1.png", photos / "copy.png");
  const int entries = folder.entries();
  const ProgramRun look = run_program(in + " --inspect --size 20");
  CHECK(look.exit_code == 3);
  for (const char* part : {"13 pictures", "unreadable: 1", "broken.png", "duplicates: 1", "p1.png = copy.png", "at 20x20", "7 enlarged"})
    CHECK_MESSAGE(look.out.find(part) != std::string::npos, part, " in ", look.out);
  CHECK(folder.entries() == entries);
  const ProgramRun some = run_program(in + " --unique -o " + quoted(folder / "b.pack"));
  CHECK(some.exit_code == 3);
  CHECK(some.out.find("b.pack: 12 pictures") != std::string::npos);
  const ProgramRun pack = run_program("prepare --inspect --json " + quoted(folder / "b.pack"));
  CHECK(pack.exit_code == 0);
  CHECK(nlohmann::json::parse(pack.out)["pictures"] == 12);

  check_refused(run_program(in), 2, {"--out FILE.pack is required, or --inspect"});
  check_refused(run_program(in + " --inspect -o x.pack"), 2, {"--inspect writes nothing"});
  check_refused(run_program("prepare -q " + quoted(folder / "b.pack") + " -o " + quoted(folder / "b.pack")), 2, {"also the source"});
  check_refused(run_program("prepare -q --inspect " + quoted(folder / "none")), 1, {"no such folder", "none"});
  check_refused(run_program("prepare -q --inspect " + quoted(photos / "broken.png")), 1, {"broken.png", "expected a pack"});
  check_refused(run_program(in + " -q -o " + quoted(folder / "no/such/folder.pack")), 1, {"folder.pack", "does not accept a new file"});
  check_refused(run_program(in + " -q -o " + quoted(folder / "a.pack"), "ulimit -f 1;"), 1, {"a.pack"});
  CHECK(nlohmann::json::parse(run_program("prepare -q --inspect --json " + quoted(folder / "a.pack")).out)["pictures"] == 12);  // the old one stayed
}

TEST_CASE("prepare: file names that are no UTF-8 come into the JSON report all the same") {
  const Scratch folder;
  write_picture(folder / "photos/a\xe9.png", 8, 8);
  fs::copy_file(folder / "photos/a\xe9.png", folder / "photos/b\xff.png");
  write_text(folder / "photos/c\xe9.png", "\x89PNG\r\n\x1a\n...");
  const ProgramRun run = run_program("prepare -q --inspect --json " + quoted(folder / "photos"));
  REQUIRE_MESSAGE(run.exit_code == 3, run.output);
  const auto report = nlohmann::json::parse(run.out);
  CHECK(report["pictures"] == 2);
  CHECK(report["duplicates"][0]["file"] == "b\xef\xbf\xbd.png");
  CHECK(report["duplicates"][0]["same_as"] == "a\xef\xbf\xbd.png");
  CHECK(report["unreadable"][0]["file"] == "c\xef\xbf\xbd.png");
}

TEST_CASE("prepare: a damaged pack is told by inspecting it") {
  const Scratch folder;
  write_people(folder / "photos");
  const fs::path pack = folder / "a.pack";
  REQUIRE(run_program("prepare -q " + quoted(folder / "photos") + " --size 8 -o " + quoted(pack)).exit_code == 0);
  std::string bytes = content(pack);
  bytes[64 + 5] ^= 1;  // within the first picture
  write_text(pack, bytes);
  const ProgramRun run = run_program("prepare --inspect -q " + quoted(pack));
  CHECK(run.exit_code == 3);
  CHECK(run.out.find("a.pack: p0.jpg: the picture is damaged (checksum)") != std::string::npos);
}

TEST_CASE("train: from a pack as from its folder") {
  const Scratch folder;
  const fs::path photos = folder / "photos";
  write_people(photos);
  REQUIRE(run_program("prepare -q " + quoted(photos) + " -o " + quoted(folder / "files.pack")).exit_code == 0);
  const std::string steps = "-q --stage 1 --set data.holdout=0.4 --set stage1.steps=1 --set data.source=";
  const ProgramRun from_folder = train_tiny(folder, steps + quoted(photos));
  REQUIRE_MESSAGE(from_folder.exit_code == 0, from_folder.output);
  const ProgramRun from_pack = train_tiny(folder, steps + quoted(folder / "files.pack"));
  REQUIRE_MESSAGE(from_pack.exit_code == 0, from_pack.output);
  CHECK(hash_line(from_folder) == hash_line(from_pack));
}

TEST_CASE("bench loading: a folder and its pack") {
  const Scratch folder;
  write_people(folder / "photos");
  REQUIRE(run_program("prepare -q " + quoted(folder / "photos") + " -o " + quoted(folder / "a.pack")).exit_code == 0);
  const ProgramRun run = run_program("bench loading --size 16 --clock cpu --threads 1 --pictures " + quoted(folder / "photos") + " --pictures " +
                                     quoted(folder / "a.pack") + " --json " + quoted(folder / "out.json"));
  REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  const auto rows = nlohmann::json::parse(content(folder / "out.json"))["loading"];
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row["pictures"] == 12);
    CHECK(row["read_seconds"].get<double>() > 0);
  }
  check_refused(run_program("bench loading"), 2, {"--pictures"});
}
