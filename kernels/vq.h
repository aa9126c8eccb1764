// Nearest code of a codebook (van den Oord et al. 2017), with the distance written out as the published models do:
//   d_rk = |z_r|^2 + |e_k|^2 - 2 z_r . e_k,   index_r = the lowest k of those with the smallest d_rk
#pragma once
#include "kernels/table.h"

namespace kintsugi {

struct NearestCode {
  const void* z;          // [rows, width]
  const void* codebook;   // [codes, width], codes >= 1
  int64_t* indices;       // [rows]
  void* min_distance;     // [rows], null = not wanted
  void* mean_distance;    // one number, the mean of all d_rk; null = not wanted
  int64_t rows, codes, width;
  DType dtype;            // of z, codebook and both distances; every row decides ties in f64
};

extern const Family<NearestCode> nearest_code_fwd;

}  // namespace kintsugi
