// find_package(Kintsugi) works from an install: configures, builds and runs tests/consumer.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;

TEST_CASE("package: another project finds, links and runs Kintsugi") {
#ifdef KIN_SANITIZE
  MESSAGE("skipped: package (the consumer would have to be built with the same sanitizer)");
#else
  const fs::path work = fs::temp_directory_path() / ("kintsugi_package_" + std::to_string(::getpid()));
  fs::create_directories(work);
  const std::string log = " >> " + (work / "log").string() + " 2>&1";
  const std::string steps[] = {
      "cmake --install " KIN_BINARY_DIR " --prefix " + (work / "prefix").string(),
      "cmake -G Ninja -S " KIN_SOURCE_DIR "/tests/consumer -B " + (work / "build").string() + " -DCMAKE_PREFIX_PATH=" + (work / "prefix").string(),
      "cmake --build " + (work / "build").string(),
      (work / "build" / "consumer").string() + " > " + (work / "out").string(),
  };
  for (const auto& step : steps) {
    const bool last = step.find(" > ") != std::string::npos;
    const int status = std::system((step + (last ? "" : log)).c_str());
    if (status != 0) {
      std::ifstream in(work / "log");
      MESSAGE(std::string(std::istreambuf_iterator<char>(in), {}));
    }
    REQUIRE_MESSAGE(status == 0, step);
  }
  std::string line;
  std::getline(std::ifstream(work / "out") >> std::ws, line);
  CHECK(line == "2 4 6");
  fs::remove_all(work);
#endif
}
