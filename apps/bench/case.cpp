#include "apps/bench/case.h"

#include <algorithm>

namespace kintsugi::bench {
namespace {
std::vector<BenchFamily>& registry() {
  static std::vector<BenchFamily> list;
  return list;
}
}  // namespace

void register_bench(BenchFamily family) { registry().push_back(std::move(family)); }

std::vector<BenchFamily> bench_families() {
  auto list = registry();
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return list;
}

const BenchFamily* find_bench(const FamilyInfo& family) {
  for (const auto& b : registry())
    if (b.family == &family) return &b;
  return nullptr;
}

}  // namespace kintsugi::bench
