// kintsugi restore: which pictures it finds, where the results go, in which format.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/apps/restoring.h"

using namespace kintsugi;
namespace fs = std::filesystem;

TEST_CASE("restore: folders, with and without what lies below; results keep the sub-folders") {
  const Scratch folder;
  write_picture(folder / "in/b.png", 16, 16);
  write_picture(folder / "in/a.PNG", 16, 16);
  write_picture(folder / "in/sub/deeper/b.png", 16, 16);
  write_picture(folder / "in/.hidden.png", 16, 16);
  write_text(folder / "in/notes.txt", "not a picture, nor called one");
  fs::create_directory_symlink(folder / "in", folder / "in/sub/loop");
  REQUIRE(restore(folder / "in", folder / "flat").exit_code == 0);
  CHECK(files_below(folder / "flat") == std::vector<std::string>{"a.png", "b.png"});
  const fs::path deep = folder / "in/results";  // inside the input: a second run must not restore results
  for (int run = 0; run < 2; ++run) {
    REQUIRE(restore(folder / "in", deep, "--recursive").exit_code == 0);
    CHECK(files_below(deep) == std::vector<std::string>{"a.png", "b.png", "sub/deeper/b.png"});
  }
  check_refused(restore(folder / "in/sub", folder / "none"), 1, {"holds no images", "--recursive"});
}

TEST_CASE("restore: a text file called .png in a folder is reported, and the rest is done") {
  const Scratch folder;
  write_picture(folder / "in/face.png", 16, 16);
  write_text(folder / "in/diary.png", "Dear diary");
  write_picture(folder / "in/dot.jpg", 1, 1);
  fs::create_symlink(folder / "nowhere", folder / "in/lost.jpg");
  const ProgramRun run = restore(folder / "in", folder / "out", "--json -q");
  CHECK_MESSAGE(run.exit_code == 3, run.output);
  for (const char* part : {"diary.png", "found text", "dot.jpg", "1x1", "lost.jpg", "No such file"})
    CHECK_MESSAGE(run.err.find(part) != std::string::npos, part);
  CHECK(files_below(folder / "out") == std::vector<std::string>{"face.png"});
  CHECK(nlohmann::json::parse(run.out).size() == 4);
}

TEST_CASE("restore: a file name that is no UTF-8 stays as it is, and JSON has U+FFFD for what it cannot hold") {
  const Scratch folder;
  write_picture(folder / "in/a\xe9.png", 16, 16);
  write_text(folder / "in/b\xff.png", "Dear diary");
  const ProgramRun run = restore(folder / "in", folder / "out", "--json -q --report " + quoted(folder / "report.json"));
  REQUIRE_MESSAGE(run.exit_code == 3, run.output);
  CHECK(files_below(folder / "out") == std::vector<std::string>{"a\xe9.png"});
  CHECK(content(folder / "report.json") == run.out);
  const auto report = nlohmann::json::parse(run.out);
  CHECK(report[0]["output"].get<std::string>().ends_with("out/a\xef\xbf\xbd.png"));
  CHECK(report[1]["error"].get<std::string>().find("b\xef\xbf\xbd.png: expected an image") != std::string::npos);
}

TEST_CASE("restore: an unreadable picture and an unreadable folder") {
  if (::geteuid() == 0) {
    MESSAGE("skipped: nothing is unreadable to root");
    return;
  }
  const Scratch folder;
  write_picture(folder / "in/face.png", 16, 16);
  fs::permissions(write_picture(folder / "in/secret.png", 16, 16), fs::perms::none);
  fs::permissions(write_picture(folder / "in/closed/face.png", 16, 16).parent_path(), fs::perms::none);
  const ProgramRun run = restore(folder / "in", folder / "out", "-r");
  fs::permissions(folder / "in/closed", fs::perms::owner_all);
  CHECK_MESSAGE(run.exit_code == 3, run.output);
  for (const char* part : {"secret.png", "closed: the folder cannot be read", "Permission denied"})
    CHECK_MESSAGE(run.err.find(part) != std::string::npos, part);
  CHECK(files_below(folder / "out") == std::vector<std::string>{"face.png"});
}

TEST_CASE("restore: patterns that the shell did not expand, and names that only look like patterns") {
  const Scratch folder;
  write_picture(folder / "in/a1.png", 16, 16);
  write_picture(folder / "in/a2.png", 16, 16);
  write_picture(folder / "in/b1.png", 16, 16);
  REQUIRE(restore(folder / "in/a?.png", folder / "one").exit_code == 0);
  CHECK(files_below(folder / "one") == std::vector<std::string>{"a1.png", "a2.png"});
  REQUIRE(restore(folder / "in/[ab]1.*", folder / "two").exit_code == 0);
  CHECK(files_below(folder / "two") == std::vector<std::string>{"a1.png", "b1.png"});
  check_refused(restore(folder / "in/c*.png", folder / "three"), 1, {"c*.png", "matches no file"});
  REQUIRE(restore(write_picture(folder / "[1].png", 16, 16), folder / "four").exit_code == 0);
  CHECK(files_below(folder / "four") == std::vector<std::string>{"[1].png"});
}

TEST_CASE("restore: the result's format follows the input's content unless asked") {
  const Scratch folder;
  const auto jpeg = write_picture(folder / "in/a.jpeg", 16, 16);
  fs::copy_file(jpeg, folder / "in/b.png");  // a JPEG in truth
  const auto png = write_picture(folder / "in/c.png", 16, 16);
  REQUIRE(restore(folder / "in", folder / "same").exit_code == 0);
  CHECK(files_below(folder / "same") == std::vector<std::string>{"a.jpeg", "b.jpg", "c.png"});
  CHECK(std::string(image_format(folder / "same/a.jpeg")) == "JPEG");
  REQUIRE(restore(folder / "in", folder / "png", "--format png").exit_code == 0);
  CHECK(files_below(folder / "png") == std::vector<std::string>{"a.png", "b.png", "c.png"});
  REQUIRE(restore(png, folder / "jpg", "--format jpg --quality 90").exit_code == 0);
  REQUIRE(restore(png, folder / "low", "--format jpg --quality 5").exit_code == 0);
  CHECK(fs::file_size(folder / "low/c.jpg") < fs::file_size(folder / "jpg/c.jpg"));
  check_refused(restore(png, folder / "x.tiff"), 2, {"x.tiff", ".tiff cannot be written"});
  check_refused(restore(png, folder / "x", "--format tiff"), 2, {"--format"});
  check_refused(restore(png, folder / "x", "--quality 0"), 2, {"--quality"});
}
