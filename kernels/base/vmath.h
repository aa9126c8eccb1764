// Elementary functions on `vec` (kernels/base/simd.h), for *.simd.cpp files only. Worst errors found by scanning the
// floats against double: vexp and vlog 1.0 ulp, vexpm1 1.6, vsigmoid 2.2, vtanh and verf 2.4. Infinities, NaN and values
// far out give the limits a scalar libm gives; subnormal results are right to one unit of the smallest normal's last place.
#pragma once
#include "kernels/base/simd.h"

#ifdef KIN_SIMD
namespace kintsugi::KIN_SIMD {

static inline ivec as_int(vec v) { return reinterpret_cast<ivec>(v); }
static inline vec as_float(ivec v) { return reinterpret_cast<vec>(v); }
static inline ivec isplat(int32_t v) { return ivec{} + v; }
static inline vec select(ivec mask, vec yes, vec no) { return mask ? yes : no; }
static inline vec vabs(vec v) { return as_float(as_int(v) & isplat(0x7fffffff)); }
/// Magnitude of a, sign bit of s.
static inline vec copy_sign(vec a, vec s) {
  return as_float((as_int(a) & isplat(0x7fffffff)) | (as_int(s) & isplat(int32_t(0x80000000u))));
}
/// A NaN in v comes back as v: the comparisons below are false for it.
static inline vec vmin(vec v, vec limit) { return select(v > limit, limit, v); }
static inline vec vmax(vec v, vec limit) { return select(v < limit, limit, v); }

/// How a loop over n floats reads and writes: whole vectors, then one vector of which only the first n lanes exist.
/// Missing lanes read as `fill` and are not written.
struct FullLanes {
  vec load(const float* p, vec = vec{}) const { return KIN_SIMD::load(p); }
  void store(float* p, vec v) const { KIN_SIMD::store(p, v); }
};
struct FirstLanes {
  int64_t n;
  vec load(const float* p, vec fill = vec{}) const {
    for (int64_t i = 0; i < n; ++i) fill[i] = p[i];
    return fill;
  }
  void store(float* p, vec v) const {
    for (int64_t i = 0; i < n; ++i) p[i] = v[i];
  }
};
/// Calls f(offset, lanes) for offset = 0, kLanes, 2 kLanes, ...; lanes is FullLanes, or FirstLanes for the rest.
template <class F>
static inline void for_lanes(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, FullLanes{});
  if (i < n) f(i, FirstLanes{n - i});
}

static inline float lane_sum(vec v) {
  float s = 0;
  for (int i = 0; i < kLanes; ++i) s += v[i];
  return s;
}
static inline float lane_max(vec v) {
  float m = v[0];
  for (int i = 1; i < kLanes; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

/// x = n ln 2 + r, |r| <= ln 2 / 2, n an integer as float. Adding 1.5 * 2^23 rounds to the nearest integer.
static inline vec split_exponent(vec x, vec& n) {
  const vec magic = splat(12582912.0f);
  n = (x * splat(1.44269504088896341f) + magic) - magic;
  return (x - n * splat(0.693359375f)) - n * splat(-2.12194440054690583e-4f);  // ln 2 in two parts; n * first is exact
}
/// 2^n for an integer n in [-126, 127].
static inline vec power_of_two(vec n) { return as_float((__builtin_convertvector(n, ivec) + isplat(127)) << 23); }
/// exp(r) - 1 for |r| <= ln 2 / 2: the Taylor series to r^7, whose remainder is below 0.1 ulp of exp(r).
static inline vec expm1_small(vec r) {
  vec p = splat(1.0f / 5040);
  p = p * r + splat(1.0f / 720);
  p = p * r + splat(1.0f / 120);
  p = p * r + splat(1.0f / 24);
  p = p * r + splat(1.0f / 6);
  p = p * r + splat(0.5f);
  return p * (r * r) + r;
}

/// e^x. 0 below -104, +inf above 88.72.
static inline vec vexp(vec x) {
  x = vmax(vmin(x, splat(89.0f)), splat(-105.0f));
  vec n;
  const vec r = split_exponent(x, n);
  // 2^n in two factors, so that neither leaves the normal range when the result overflows or is subnormal.
  const vec half = __builtin_convertvector(__builtin_convertvector(n, ivec) >> 1, vec);
  return ((splat(1.0f) + expm1_small(r)) * power_of_two(half)) * power_of_two(n - half);
}

/// e^x - 1 with full relative accuracy near 0. -1 below -18, overflows like vexp.
static inline vec vexpm1(vec x) {
  vec n;
  const vec r = split_exponent(vmax(vmin(x, splat(64.0f)), splat(-18.0f)), n);
  const vec scale = power_of_two(n);
  const vec y = scale * expm1_small(r) + (scale - splat(1.0f));
  const vec signed_zero = select(x == vec{}, x, y);
  return select(x > splat(64.0f), vexp(x), signed_zero);
}

/// 1 / (1 + e^-x), without overflow on either side.
static inline vec vsigmoid(vec x) {
  const vec e = vexp(-vabs(x));
  return select(x < vec{}, e, splat(1.0f)) / (splat(1.0f) + e);
}

/// Odd, and exactly +-1 beyond |x| = 10.
static inline vec vtanh(vec x) {
  vec n;  // as in vexpm1, whose outer range is not needed here
  const vec r = split_exponent(vmin(splat(2.0f) * vabs(x), splat(40.0f)), n);
  const vec scale = power_of_two(n);
  const vec m = scale * expm1_small(r) + (scale - splat(1.0f));
  return copy_sign(m / (m + splat(2.0f)), x);
}

/// 2 / sqrt(pi) * integral of e^-t^2 from 0 to x. Taylor series inside |x| < 0.92; outside 1 - e^-p(|x|), where p is a
/// polynomial fitted (least squares, reweighted towards minimax) to -log(erfc(x)) on [0.92, 4] with error 3e-9 in erf.
static inline vec verf(vec x) {
  const vec a = vabs(x), s = x * x;
  vec t = splat(1.4807192815879218e-08f);  // (2 / sqrt(pi)) (-1)^k / (k! (2k + 1)) for k = 10 ... 0
  t = t * s + splat(-1.6365844691234924e-07f);
  t = t * s + splat(1.6462114365889246e-06f);
  t = t * s + splat(-1.4925650358406251e-05f);
  t = t * s + splat(1.2055332981789664e-04f);
  t = t * s + splat(-8.5483270234508523e-04f);
  t = t * s + splat(5.2239776254421878e-03f);
  t = t * s + splat(-2.6866170645131252e-02f);
  t = t * s + splat(1.1283791670955126e-01f);
  t = t * s + splat(-3.7612638903183754e-01f);
  t = t * s + splat(1.1283791670955126e+00f);
  const vec b = vmin(a, splat(4.0f));  // erf(4) rounds to 1
  vec p = splat(-2.1355582626638041e-04f);
  p = p * b + splat(3.2114950059656740e-03f);
  p = p * b + splat(-2.2879144056932952e-02f);
  p = p * b + splat(1.0524544215910267e-01f);
  p = p * b + splat(6.3573037553228100e-01f);
  p = p * b + splat(1.1285109154149520e+00f);
  return select(a < splat(0.92f), t * x, copy_sign(splat(1.0f) - vexp(-p * b), x));
}

/// Natural logarithm. -inf at 0, NaN below, subnormals included.
static inline vec vlog(vec x) {
  const ivec tiny = x < splat(1.17549435e-38f);
  const vec y = select(tiny, x * splat(8388608.0f), x);
  // y = m 2^e with m in [sqrt(1/2), sqrt(2)): subtracting the bits of sqrt(1/2) makes the exponent field e.
  const ivec shifted = as_int(y) - isplat(0x3f3504f3);
  const ivec e = shifted >> 23;
  const vec m = as_float(as_int(y) - (e << 23));
  const vec exponent = __builtin_convertvector(e, vec) - select(tiny, splat(23.0f), vec{});
  // log m = 2 atanh(z), z = f / (2 + f), f = m - 1, written f - z (f - ...) so that f, which is exact, leads.
  const vec f = m - splat(1.0f), z = f / (splat(2.0f) + f), w = z * z;
  vec p = splat(2.0f / 9);
  p = p * w + splat(2.0f / 7);
  p = p * w + splat(2.0f / 5);
  p = p * w + splat(2.0f / 3);
  const vec tail = exponent * splat(-2.12194440054690583e-4f) - z * (f - p * w);
  const vec result = exponent * splat(0.693359375f) + (f + tail);
  const vec inf = splat(__builtin_inff());
  const vec edge = select(x == vec{}, -inf, select(x < vec{}, splat(__builtin_nanf("")), x));  // 0, negative, inf or NaN
  return select((x > vec{}) & (x < inf), result, edge);
}

}  // namespace kintsugi::KIN_SIMD
#endif
