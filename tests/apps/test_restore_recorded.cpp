// Restoring on a device: from the second batch of a kind on, work is recorded once and started as a whole.
#include "tests/apps/restoring.h"

using namespace kintsugi;

TEST_CASE("restore: recorded batches have the bits of those that were not, and the report tells them") {
  const Scratch folder;
  for (const char* name : {"a", "b", "c"}) write_picture(folder / "in" / (std::string(name) + ".png"), 16, 16);
  // Different pictures: a recording that kept its first input would show.
  write_picture(folder / "in" / "b.png", 24, 20);
  const auto on_sim = [&](const std::string& in, const std::string& out) {
    return run_program(restore_command(quoted(folder / in), folder / out, "-q --json --device sim"), "KINTSUGI_SIM_GUARD=1");
  };
  const ProgramRun all = on_sim("in", "all");
  CHECK_MESSAGE(all.exit_code == 0, all.output);
  const auto report = nlohmann::json::parse(all.out);
  REQUIRE(report.size() == 3);
  CHECK(!report[0].contains("recorded"));
  CHECK(report[1]["recorded"] == true);
  CHECK(report[2]["recorded"] == true);
  for (const char* name : {"a.png", "b.png", "c.png"}) {
    const ProgramRun one = on_sim("in/" + std::string(name), "one");
    CHECK_MESSAGE(one.exit_code == 0, one.output);
    CHECK(!nlohmann::json::parse(one.out)[0].contains("recorded"));
    CHECK_MESSAGE(content(folder / "one" / name) == content(folder / "all" / name), name);
  }
  CHECK(content(folder / "all/a.png") != content(folder / "all/b.png"));
}
