// Gates on what nvcc made, without a GPU: skipped by name in builds without it.
#include <map>
#include <nlohmann/json.hpp>

#include "kernels/base/device_runtime.h"
#include "kernels/base/error.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;

TEST_CASE("gpu build: no kernel spills, and names keep what they promise") {
#ifndef KIN_CUDA
  const ProgramRun run = run_program("kernels --resources");
  CHECK(run.exit_code == 0);
  CHECK(run.out.find("no GPU machine code") != std::string::npos);
  MESSAGE("skipped: gates on GPU machine code (this build has no nvcc)");
#else
  const ProgramRun run = run_program("kernels --resources --json");
  CHECK_MESSAGE(run.exit_code == 0, run_program("kernels --resources").out);
  std::map<int, int> kernels;
  for (const auto& k : nlohmann::json::parse(run.out)) {
    ++kernels[k["architecture"].get<int>()];
    CHECK(k["registers"].get<int>() > 0);
    CHECK(k["registers"].get<int>() <= 255);
  }
  REQUIRE(!kernels.empty());
  std::string found;
  for (const auto& [architecture, count] : kernels) found += text(" sm_", architecture, ": ", count);
  MESSAGE("GPU kernels in the program:", found);
#endif
}

TEST_CASE("gpu build: --device on a machine without a GPU") {
  const ProgramRun version = run_program("--version");
  CHECK(version.out.find("cpu, sim") != std::string::npos);
  if (device_runtime(DeviceKind::cuda).count() > 0) return;
  CHECK(version.out.find(device_runtime(DeviceKind::cuda).refuses(0)) != std::string::npos);
}
