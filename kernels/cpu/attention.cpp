// The reference loops of attention. The fast rows are in attention_fast.cpp.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kintsugi {
namespace cpu {
namespace {

/// One head of one sample: where its vectors start and how the loops below see them.
template <class T, class Args>
struct Head {
  const Args& a;
  int64_t width = a.channels / a.heads, n, head;
  const T* query(const void* p, int64_t i) const { return static_cast<const T*>(p) + offset(a.queries, i); }
  const T* key(const void* p, int64_t j) const { return static_cast<const T*>(p) + offset(a.keys, j); }
  int64_t offset(int64_t tokens, int64_t t) const { return (n * tokens + t) * a.channels + head * width; }

  static double dot(const T* x, const T* y, int64_t width) {
    double s = 0;
    for (int64_t d = 0; d < width; ++d) s += double(x[d]) * y[d];
    return s;
  }
  /// p[j] = softmax over j of scale q_i k_j.
  void weights(int64_t i, std::vector<double>& p) const {
    for (int64_t j = 0; j < a.keys; ++j) p[j] = a.scale * dot(query(a.q, i), key(a.k, j), width);
    const double max = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& v : p) sum += v = std::exp(v - max);
    for (double& v : p) v /= sum;
  }
};

template <class T, class Args, class F>
void each_head(const Args& a, F&& f) {
  for (int64_t n = 0; n < a.n; ++n)
    for (int64_t h = 0; h < a.heads; ++h) f(Head<T, Args>{.a = a, .n = n, .head = h});
}

template <class T>
void forward_ref(const AttentionFwd& a) {
  std::vector<double> p(a.keys), y(a.channels / a.heads);
  each_head<T>(a, [&](const auto& h) {
    for (int64_t i = 0; i < a.queries; ++i) {
      h.weights(i, p);
      std::fill(y.begin(), y.end(), 0.0);
      for (int64_t j = 0; j < a.keys; ++j)
        for (int64_t d = 0; d < h.width; ++d) y[d] += p[j] * h.key(a.v, j)[d];
      T* out = static_cast<T*>(a.y) + h.offset(a.queries, i);
      for (int64_t d = 0; d < h.width; ++d) out[d] = T(y[d]);
    }
  });
}

template <class T>
void backward_ref(const AttentionBwd& a) {
  const int64_t width = a.channels / a.heads;
  std::vector<double> p(a.keys), gs(a.keys), gq(width), gk(a.keys * width), gv(a.keys * width);
  each_head<T>(a, [&](const auto& h) {
    std::fill(gk.begin(), gk.end(), 0.0);
    std::fill(gv.begin(), gv.end(), 0.0);
    for (int64_t i = 0; i < a.queries; ++i) {
      h.weights(i, p);
      const T *gy = h.query(a.gy, i), *q = h.query(a.q, i);
      double row = 0;
      for (int64_t j = 0; j < a.keys; ++j) row += p[j] * (gs[j] = h.dot(gy, h.key(a.v, j), width));
      std::fill(gq.begin(), gq.end(), 0.0);
      for (int64_t j = 0; j < a.keys; ++j) {
        const double g = a.scale * p[j] * (gs[j] - row);
        const T* k = h.key(a.k, j);
        for (int64_t d = 0; d < width; ++d) {
          gq[d] += g * k[d];
          gk[j * width + d] += g * q[d];
          gv[j * width + d] += p[j] * gy[d];
        }
      }
      if (a.gq)
        for (int64_t d = 0; d < width; ++d) static_cast<T*>(a.gq)[h.offset(a.queries, i) + d] = T(gq[d]);
    }
    for (int64_t j = 0; j < a.keys; ++j)
      for (int64_t d = 0; d < width; ++d) {
        if (a.gk) static_cast<T*>(a.gk)[h.offset(a.keys, j) + d] = T(gk[j * width + d]);
        if (a.gv) static_cast<T*>(a.gv)[h.offset(a.keys, j) + d] = T(gv[j * width + d]);
      }
  });
}

template <class T>
void map_ref(const AttentionMap& a) {
  std::vector<double> p(a.keys), sum(a.n * a.queries * a.keys);
  each_head<T>(a, [&](const auto& h) {
    for (int64_t i = 0; i < a.queries; ++i) {
      h.weights(i, p);
      for (int64_t j = 0; j < a.keys; ++j) sum[(h.n * a.queries + i) * a.keys + j] += p[j];
    }
  });
  for (size_t i = 0; i < sum.size(); ++i) static_cast<T*>(a.map)[i] = T(sum[i] / double(a.heads));
}

}  // namespace

void attention_fwd_ref(const Context&, const AttentionFwd& a) {
  visit_float(a.dtype, "attention_fwd", [&]<class T>() { forward_ref<T>(a); });
}
void attention_bwd_ref(const Context&, const AttentionBwd& a) {
  visit_float(a.dtype, "attention_bwd", [&]<class T>() { backward_ref<T>(a); });
}
void attention_map_ref(const Context&, const AttentionMap& a) {
  visit_float(a.dtype, "attention_map_fwd", [&]<class T>() { map_ref<T>(a); });
}

}  // namespace cpu
}  // namespace kintsugi
