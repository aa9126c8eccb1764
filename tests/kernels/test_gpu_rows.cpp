// Families and their rows on a GPU: none is missing, and what the op cases cannot reach is compared here.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/grid_sample.h"
#include "kernels/simt/emulator.h"
#include "kernels/table.h"
#include "tensor/random.h"

using namespace kintsugi;

TEST_CASE("gpu rows: no family with a reference on the CPU lacks one, emulated or real") {
  const std::vector<const FamilyInfo*> families = all_families();
  const auto has = [](const FamilyInfo& f, DeviceKind where) {
    const auto rows = f.row_infos();
    return std::any_of(rows.begin(), rows.end(), [&](const RowInfo& r) { return r.where == where; });
  };
  const bool built_for_cuda = std::any_of(families.begin(), families.end(), [&](const FamilyInfo* f) { return has(*f, DeviceKind::cuda); });
  REQUIRE(families.size() >= 40);
  for (const FamilyInfo* f : families) {
    CHECK_MESSAGE(has(*f, DeviceKind::cpu), f->name(), " has no row on the CPU");
    CHECK_MESSAGE(has(*f, DeviceKind::sim), f->name(), " has no row of kernels/gpu");
    if (built_for_cuda) CHECK_MESSAGE(has(*f, DeviceKind::cuda), f->name(), " has no row on cuda");
  }
}

// Only replays of finite differences ask for pieces, and they run in f64 on the CPU.
TEST_CASE("gpu rows: grid_pieces equals its reference") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const auto padding : {GridPadding::zeros, GridPadding::border, GridPadding::reflection})
      for (const auto coordinates : {GridCoordinates::edges, GridCoordinates::corners, GridCoordinates::displacement}) {
        const Tensor grid = random_normal({2, 3, 5, 2}, 0, 1.5, 3, "grid_pieces", 0, DType::f64).to(dtype);
        const auto pieces_on = [&](DeviceKind where) {
          std::vector<double> out(2 * 3 * 5 * 6, NAN);
          GridPieces a{{grid.raw(), 2, 7, 4, 3, 3, 5, GridSampling::bilinear, padding, coordinates, dtype}, out.data()};
          grid_pieces({Device{where}}, a);
          return out;
        };
        const std::vector<double> truth = pieces_on(DeviceKind::cpu);
        for (const auto schedule : {simt::Schedule::forward, simt::Schedule::reverse, simt::Schedule::shuffled}) {
          const simt::ScheduleGuard order(schedule);
          const std::vector<double> got = pieces_on(DeviceKind::sim);
          for (size_t i = 0; i < truth.size(); ++i) CHECK(got[i] == doctest::Approx(truth[i]).epsilon(1e-14));
        }
      }
}
