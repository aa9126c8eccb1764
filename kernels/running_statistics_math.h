// One channel of kernels/running_statistics.h, for CPU and GPU alike.
#pragma once
#include "kernels/base/host_device.h"
#include "kernels/running_statistics.h"

namespace kintsugi {

template <class T>
KIN_HOST_DEVICE inline void move_channel(const RunningStatistics& a, int64_t c) {
  T &mean = static_cast<T*>(a.running_mean)[c], &var = static_cast<T*>(a.running_var)[c];
  const double rstd = static_cast<const T*>(a.rstd)[c];
  const double unbiased = (1 / (rstd * rstd) - a.eps) * double(a.rows) / double(a.rows - 1);
  mean = T((1 - a.momentum) * mean + a.momentum * static_cast<const T*>(a.mean)[c]);
  var = T((1 - a.momentum) * var + a.momentum * unbiased);
}

}  // namespace kintsugi
