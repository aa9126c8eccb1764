// The fast matrix product and convolutions at every SIMD level, on shapes with every kind of ragged edge. The op cases ask only for the
// level in use.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/philox.h"
#include "kernels/base/simd.h"
#include "kernels/conv2d.h"
#include "kernels/matmul.h"

using namespace kintsugi;

namespace {

using Floats = std::vector<float>;

struct LevelGuard {
  SimdLevel old = simd_level();
  ~LevelGuard() { set_simd_level(old); }
};

template <class F>
void at_every_level(F&& f) {
  LevelGuard guard;
  for (SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
    set_simd_level(level);
    if (simd_level() != level) continue;
    INFO("SIMD level: ", std::string(name(level)));
    f();
  }
}

Floats normal(int64_t n, const char* purpose) {
  Floats v(static_cast<size_t>(n));
  Philox p(1, purpose);
  for (float& x : v) x = p.normal();
  return v;
}

// False when the row cannot do it.
template <class Args>
bool run(const Family<Args>& family, const char* row, const Args& args) {
  for (const auto& r : family.rows())
    if (std::string(r.name) == row && !r.refuses(args)) {
      r.run({}, args);
      return true;
    }
  return false;
}

// A sum of k products of unit normals carries sqrt(k) roundings of 6e-8 relative to its own size, and a few of the last operations.
void check_close(const Floats& a, const Floats& b, int64_t k) {
  double worst = 0, scale = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(double(a[i]) - b[i]);
    if (!(d <= worst)) worst = d;
    scale = std::fmax(scale, std::fabs(b[i]));
  }
  CHECK(worst <= 6e-8 * (4 + std::sqrt(double(k))) * scale);
}

void check_product(int64_t m, int64_t n, int64_t k, bool ta, bool tb, bool accumulate) {
  INFO("m ", m, ", n ", n, ", k ", k, ta ? ", a transposed" : "", tb ? ", b transposed" : "", accumulate ? ", accumulate" : "");
  const int64_t batch = 3;
  const Floats a = normal(batch * m * k, "a"), b = normal(batch * k * n, "b"), bias = normal(n, "bias");
  for (const bool sum : {false, true}) {
    Floats slow = normal(batch * m * n, "c"), fast = slow;
    Matmul p{a.data(), b.data(), slow.data(), bias.data(), batch, m, n, k, ta, tb, m * k, k * n, sum ? 0 : m * n, accumulate};
    run(batched_matmul, "ref", p);
    p.c = fast.data();
    run(batched_matmul, "fast", p);
    check_close(fast, slow, sum ? batch * k : k);
  }
}

void check_convolution(const ConvShape& s) {
  INFO("x ", s.h, "x", s.w, "x", s.c, ", w ", s.o, "x", s.kh, "x", s.kw, ", stride ", s.stride_h, ", dilation ", s.dilation_h, ", groups ", s.groups);
  const int64_t taps = s.kh * s.kw, pixels = s.n * s.out_h * s.out_w;
  const Floats x = normal(s.n * s.h * s.w * s.c, "x"), w = normal(s.o * s.kh * s.kw * s.c / s.groups, "w");
  const Floats gy = normal(s.n * s.out_h * s.out_w * s.o, "gy"), bias = normal(s.o, "bias"), input_bias = normal(s.c, "input bias");
  Floats slow = gy, fast = gy;
  run(conv2d_fwd, "ref", Conv2dFwd{s, x.data(), w.data(), bias.data(), slow.data()});
  for (const char* row : {"fast", "winograd"})
    if (run(conv2d_fwd, row, Conv2dFwd{s, x.data(), w.data(), bias.data(), fast.data()})) check_close(fast, slow, taps * s.c / s.groups);
  slow = fast = x;
  run(conv2d_dgrad, "ref", Conv2dDgrad{s, gy.data(), w.data(), input_bias.data(), slow.data()});
  for (const char* row : {"fast", "winograd"})
    if (run(conv2d_dgrad, row, Conv2dDgrad{s, gy.data(), w.data(), input_bias.data(), fast.data()}))
      check_close(fast, slow, taps * s.o / s.groups);
  slow = fast = w;
  Floats slow_bias = bias, fast_bias = bias;
  run(conv2d_wgrad, "ref", Conv2dWgrad{s, x.data(), gy.data(), slow.data(), slow_bias.data()});
  for (const char* row : {"fast", "winograd"})
    if (run(conv2d_wgrad, row, Conv2dWgrad{s, x.data(), gy.data(), fast.data(), fast_bias.data()})) {
      check_close(fast, slow, pixels);
      check_close(fast_bias, slow_bias, pixels);
    }
}

ConvShape shape(int64_t n, int64_t h, int64_t w, int64_t c, int64_t o, int64_t kh, int64_t kw, int64_t stride, int64_t pad, int64_t dilation,
                int64_t groups) {
  ConvShape s{n, h, w, c, 0, 0, o, kh, kw, stride, stride, dilation, dilation, pad, pad, groups};
  s.out_h = (h + 2 * pad - (kh - 1) * dilation - 1) / stride + 1;
  s.out_w = (w + 2 * pad - (kw - 1) * dilation - 1) / stride + 1;
  return s;
}

}  // namespace

TEST_CASE("matrix product at every SIMD level") {
  at_every_level([] {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const bool accumulate : {false, true}) {
          check_product(1, 1, 1, ta, tb, accumulate);
          check_product(5, 7, 3, ta, tb, accumulate);
          check_product(37, 65, 29, ta, tb, accumulate);
          check_product(30, 40, 800, ta, tb, accumulate);
          check_product(3, 33, 512, ta, tb, accumulate);
          check_product(130, 5, 17, ta, tb, accumulate);
        }
  });
}

TEST_CASE("convolution at every SIMD level") {
  at_every_level([] {
    check_convolution(shape(2, 9, 11, 3, 5, 3, 3, 1, 1, 1, 1));
    check_convolution(shape(1, 7, 19, 33, 37, 3, 3, 1, 1, 1, 1));
    check_convolution(shape(1, 9, 10, 4, 6, 3, 3, 2, 1, 1, 1));
    check_convolution(shape(1, 7, 6, 20, 3, 4, 4, 2, 1, 1, 1));
    check_convolution(shape(1, 6, 6, 2, 2, 2, 2, 3, 0, 1, 1));
    check_convolution(shape(2, 5, 4, 17, 9, 1, 1, 1, 0, 1, 1));
    check_convolution(shape(1, 9, 8, 3, 4, 3, 3, 1, 2, 2, 1));
    check_convolution(shape(1, 6, 5, 6, 4, 3, 3, 1, 1, 1, 2));
    check_convolution(shape(1, 7, 8, 37, 37, 3, 3, 2, 1, 1, 37));
    check_convolution(shape(1, 5, 7, 300, 3, 1, 1, 2, 0, 1, 1));
    check_convolution(shape(2, 9, 8, 32, 48, 3, 3, 1, 1, 1, 1));
    check_convolution(shape(1, 7, 70, 64, 144, 3, 3, 1, 0, 1, 1));
    check_convolution(shape(1, 8, 8, 256, 32, 3, 3, 1, 2, 1, 1));
    check_convolution(shape(1, 9, 10, 20, 3, 3, 3, 1, 1, 1, 1));
    check_convolution(shape(1, 8, 6, 3, 20, 4, 4, 2, 1, 1, 1));
    check_convolution(shape(1, 70, 66, 5, 5, 3, 3, 1, 1, 1, 5));
    check_convolution(shape(1, 3, 260, 2, 34, 3, 3, 1, 1, 1, 1));
  });
}

// Large enough for several strips of partial sums in every row.
TEST_CASE("weight gradients have the same bits for any number of threads") {
  const int before = threads();
  for (const ConvShape& s : {shape(1, 41, 43, 32, 64, 3, 3, 1, 1, 1, 1), shape(1, 75, 71, 37, 37, 3, 3, 1, 1, 1, 37)}) {
    const Floats x = normal(s.n * s.h * s.w * s.c, "x"), gy = normal(s.n * s.out_h * s.out_w * s.o, "gy");
    for (const auto& row : conv2d_wgrad.rows()) {
      Floats first;
      for (int n : {1, 2, 3, 5}) {
        set_threads(n);
        Floats gw(s.o * 9 * s.c / s.groups), gbias(s.o);
        const Conv2dWgrad args{s, x.data(), gy.data(), gw.data(), gbias.data()};
        if (row.where != DeviceKind::cpu || row.refuses(args)) continue;
        row.run({}, args);
        gw.insert(gw.end(), gbias.begin(), gbias.end());
        if (first.empty()) first = gw;
        CHECK_MESSAGE(gw == first, row.name, " with ", n, " threads");
      }
    }
  }
  set_threads(before);
}
