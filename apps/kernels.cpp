#include "apps/kernels.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli/exit_codes.h"
#include "kernels/base/simd.h"
#include "kernels/table.h"

namespace kintsugi {

int run_kernels(bool json) {
  if (json) {
    auto list = nlohmann::ordered_json::array();
    for (const auto* f : all_families()) {
      auto rows = nlohmann::ordered_json::array();
      for (const auto& r : f->row_infos())
        rows.push_back({{"name", r.name}, {"device", name(r.where)}, {"deterministic", r.deterministic}, {"supports", r.note}});
      list.push_back({{"family", f->name()}, {"equation", f->equation()}, {"rows", rows}});
    }
    fmt::print("{}\n", list.dump(2));
    return kDone;
  }
  for (const auto* f : all_families()) {
    fmt::print("{}\n    {}\n", f->name(), f->equation());
    for (const auto& r : f->row_infos())
      fmt::print("    {:<8} {:<5} {:<17} {}\n", r.name, name(r.where), r.deterministic ? "deterministic" : "not deterministic", r.note);
  }
  fmt::print("\n{} families. Rows stand in the order they are tried; --kernels FAMILY=ROW chooses one by name ('*' matches anything).\n"
             "SIMD level of this machine: {}.\n", all_families().size(), name(simd_level()));
  return kDone;
}

}  // namespace kintsugi
