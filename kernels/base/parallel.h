// parallel_for: splits [0, n) into chunks whose borders depend on n and grain only, so that anything computed per
// chunk (partial sums included) has the same bits for every number of threads.
#pragma once
#include <cstdint>
#include <functional>

namespace kintsugi {

/// Number of threads used by parallel_for, the calling one included. Default: the machine's cores.
int threads();
void set_threads(int n);

/// Runs body(begin, end) over chunks of `grain` elements ([0,grain), [grain,2*grain), ...), each exactly once, on up to
/// threads() threads. Returns when all are done. The first exception thrown by a chunk is rethrown. A call made from
/// inside a body runs its chunks one after the other on that thread.
void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

/// A grain that gives each chunk about `work` units when one element costs `cost` units (1 unit ~ 1 flop). Depends on
/// the problem only, never on the number of threads.
inline int64_t grain_for(int64_t cost, int64_t work = 1 << 16) {
  return cost >= work ? 1 : (work + cost - 1) / (cost < 1 ? 1 : cost);
}

}  // namespace kintsugi
