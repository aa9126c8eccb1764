// The tiles of local_ncc's GPU row "box": 32 x 32 results and what their windows reach, five f64 fields in shared memory.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kintsugi {

inline constexpr int kNccTile = 32, kNccFields = 5;
inline constexpr int64_t kNccWidestWindow = 21;  // 205 KiB backward; the next one would not fit into 227

/// Pixels along one side of the tile, where windows of windows are asked for (backward) or windows.
constexpr int64_t ncc_side(int64_t window, bool backward) { return kNccTile + (backward ? 2 : 1) * (window - 1); }
/// Elements from one row to the next: odd, so that a column of the tile lies in different banks.
constexpr int64_t ncc_pitch(int64_t side) { return side | 1; }
constexpr size_t ncc_bytes(int64_t side) { return size_t(kNccFields * side * ncc_pitch(side)) * sizeof(double); }
static_assert(ncc_bytes(ncc_side(kNccWidestWindow, true)) <= 227 * 1024 && ncc_bytes(ncc_side(kNccWidestWindow + 2, true)) > 227 * 1024);

}  // namespace kintsugi
