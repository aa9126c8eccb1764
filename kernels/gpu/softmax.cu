#include "kernels/softmax.h"

#include "kernels/simt/reduce.h"
#include "kernels/simt/simt.h"

namespace kintsugi::KIN_GPU_NAMESPACE {
namespace {

constexpr int kThreads = 128;

// ---- naive: one thread walks one row ------------------------------------------------------------------------------------------

template <class T, bool kLog>
__global__ void __launch_bounds__(kThreads) forward_per_thread(const T* x, T* y, int64_t rows, int64_t width) {
  const int64_t row = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= rows) return;
  x += row * width;
  y += row * width;
  float most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < width; ++i) most = max(most, float(x[i]));
  for (int64_t i = 0; i < width; ++i) sum += expf(float(x[i]) - most);
  const float scale = 1 / sum, log_sum = logf(sum);
  for (int64_t i = 0; i < width; ++i) {
    const float d = float(x[i]) - most;
    y[i] = T(kLog ? d - log_sum : expf(d) * scale);
  }
}

template <class T, bool kLog>
__global__ void __launch_bounds__(kThreads) backward_per_thread(const T* gy, const T* y, T* gx, int64_t rows, int64_t width) {
  const int64_t row = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= rows) return;
  gy += row * width;
  y += row * width;
  gx += row * width;
  float sum = 0;
  for (int64_t i = 0; i < width; ++i) sum += kLog ? float(gy[i]) : float(gy[i]) * float(y[i]);
  for (int64_t i = 0; i < width; ++i) {
    const float g = float(gy[i]), v = float(y[i]);
    gx[i] = T(kLog ? g - expf(v) * sum : v * (g - sum));
  }
}

// ---- block: one block walks one row, neighbouring threads read neighbouring elements ------------------------------------------

template <class T, bool kLog>
__global__ void __launch_bounds__(kThreads) forward_per_block(const T* x, T* y, int64_t width) {
  x += blockIdx.x * width;
  y += blockIdx.x * width;
  float most = -INFINITY, sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) most = max(most, float(x[i]));
  most = block_reduce<kThreads, Max>(most, -INFINITY);
  for (int64_t i = threadIdx.x; i < width; i += kThreads) sum += expf(float(x[i]) - most);
  sum = block_sum<kThreads>(sum);
  const float scale = 1 / sum, log_sum = logf(sum);
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    const float d = float(x[i]) - most;
    y[i] = T(kLog ? d - log_sum : expf(d) * scale);
  }
}

template <class T, bool kLog>
__global__ void __launch_bounds__(kThreads) backward_per_block(const T* gy, const T* y, T* gx, int64_t width) {
  gy += blockIdx.x * width;
  y += blockIdx.x * width;
  gx += blockIdx.x * width;
  float sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) sum += kLog ? float(gy[i]) : float(gy[i]) * float(y[i]);
  sum = block_sum<kThreads>(sum);
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    const float g = float(gy[i]), v = float(y[i]);
    gx[i] = T(kLog ? g - expf(v) * sum : v * (g - sum));
  }
}

template <bool kLog>
void forward(const Context& context, const SoftmaxFwd& a, const char* op, bool per_block) {
  visit_f32_or_bf16(a.dtype, op, [&]<class T>() {
    const T* x = static_cast<const T*>(a.x);
    T* y = static_cast<T*>(a.y);
    if (per_block) launch({unsigned(a.rows), kThreads, 0, context.stream}, forward_per_block<T, kLog>, x, y, a.width);
    else launch({blocks_for(a.rows, kThreads), kThreads, 0, context.stream}, forward_per_thread<T, kLog>, x, y, a.rows, a.width);
  });
}
template <bool kLog>
void backward(const Context& context, const SoftmaxBwd& a, const char* op, bool per_block) {
  visit_f32_or_bf16(a.dtype, op, [&]<class T>() {
    const T *gy = static_cast<const T*>(a.gy), *y = static_cast<const T*>(a.y);
    T* gx = static_cast<T*>(a.gx);
    if (per_block) launch({unsigned(a.rows), kThreads, 0, context.stream}, backward_per_block<T, kLog>, gy, y, gx, a.width);
    else launch({blocks_for(a.rows, kThreads), kThreads, 0, context.stream}, backward_per_thread<T, kLog>, gy, y, gx, a.rows, a.width);
  });
}

}  // namespace

void softmax_fwd_naive(const Context& c, const SoftmaxFwd& a) { forward<false>(c, a, "softmax_fwd", false); }
void softmax_fwd_block(const Context& c, const SoftmaxFwd& a) { forward<false>(c, a, "softmax_fwd", true); }
void softmax_bwd_naive(const Context& c, const SoftmaxBwd& a) { backward<false>(c, a, "softmax_bwd", false); }
void softmax_bwd_block(const Context& c, const SoftmaxBwd& a) { backward<false>(c, a, "softmax_bwd", true); }
void log_softmax_fwd_naive(const Context& c, const SoftmaxFwd& a) { forward<true>(c, a, "log_softmax_fwd", false); }
void log_softmax_fwd_block(const Context& c, const SoftmaxFwd& a) { forward<true>(c, a, "log_softmax_fwd", true); }
void log_softmax_bwd_naive(const Context& c, const SoftmaxBwd& a) { backward<true>(c, a, "log_softmax_bwd", false); }
void log_softmax_bwd_block(const Context& c, const SoftmaxBwd& a) { backward<true>(c, a, "log_softmax_bwd", true); }

}  // namespace kintsugi::KIN_GPU_NAMESPACE
