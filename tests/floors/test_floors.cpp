// The floors' arrows point one way (docs/design.md): this reads every #include line and fails on one that points up.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace fs = std::filesystem;

namespace {

// What each floor may include, itself aside.
const std::map<std::string, std::set<std::string>> kMayUse = {
    {"kernels", {}},
    {"tensor", {"kernels"}},
    {"autograd", {"kernels", "tensor"}},
    {"nn", {"kernels", "tensor", "autograd"}},
    {"optim", {"kernels", "tensor", "autograd"}},
    {"data", {"kernels", "tensor"}},
    {"models", {"kernels", "tensor", "autograd", "nn", "optim"}},
    {"apps", {"kernels", "tensor", "autograd", "nn", "optim", "data", "models"}},
};

bool allowed(const std::string& from, const std::string& to) { return from == to || !kMayUse.count(to) || kMayUse.at(from).count(to); }

}  // namespace

TEST_CASE("floors: no include points up") {
  CHECK(!allowed("kernels", "tensor"));  // the check itself can fail
  CHECK(!allowed("data", "autograd"));
  const std::regex include(R"re(^\s*#\s*include\s*"([a-z_]+)/)re");
  int lines = 0;
  for (const auto& [floor, uses] : kMayUse) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(KIN_SOURCE_DIR) / floor)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh") continue;
      std::ifstream in(entry.path());
      int number = 0;
      for (std::string line; std::getline(in, line);) {
        ++number;
        std::smatch m;
        if (!std::regex_search(line, m, include)) continue;
        ++lines;
        CHECK_MESSAGE(allowed(floor, m[1]), entry.path().string(), ":", number, ": ", floor, "/ may not include ", m[1].str(), "/");
      }
    }
  }
  CHECK(lines > 50);
}
