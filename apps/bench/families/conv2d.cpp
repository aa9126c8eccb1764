// Convolutions of CodeFormer at 512x512, one image: where 95% of its FLOPs are.
#include "kernels/conv2d.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

/// Square image and kernel, padded by (k - 1) / 2; stride 2 pads right and bottom only, as the encoder does.
struct Conv {
  int64_t in, out, size, k = 3, stride = 1, n = 1;
  ConvShape shape() const {
    const int64_t lead = stride == 1 ? k / 2 : 0, y = size / stride;
    ConvShape s;
    s.n = n, s.h = s.w = size, s.c = in;
    s.out_h = s.out_w = y, s.o = out;
    s.kh = s.kw = k, s.stride_h = s.stride_w = stride, s.top = s.left = lead;
    return s;
  }
  std::string name() const {
    return text(in, "->", out, " ", k, "x", k, stride > 1 ? " stride 2" : "", " @", size, n > 1 ? text(" batch ", n) : "");
  }
  Conv shrunken(int64_t most = 32) const {
    Conv c = *this;
    c.size = std::min(size, most);
    return c;
  }
  /// For the emulated GPU: the same layers on 8 x 8 pixels.
  Conv emulated() const {
    Conv c = shrunken(8);
    c.n = 1;
    return c;
  }
};

double x_count(const ConvShape& s) { return double(s.n * s.h * s.w * s.c); }
double y_count(const ConvShape& s) { return double(s.n * s.out_h * s.out_w * s.o); }
double w_count(const ConvShape& s) { return double(s.o * s.kh * s.kw * s.c / s.groups); }

// Direct form: two FLOPs per tap, whatever a row does, and eight per element of x that is normalised, as group_norm counts. All three
// members read and write the same three arrays.
template <class Args>
Cost cost(const Args& a) {
  const ConvShape& s = a.shape;
  double residual = 0, norm = 0;
  if constexpr (requires { a.residual; }) {
    residual = a.residual ? y_count(s) : 0;
    norm = a.norm ? 8 * x_count(s) : 0;
  }
  return {2.0 * double(s.n * s.out_h * s.out_w) * w_count(s) + norm, bytes_of(a.dtype, x_count(s) + y_count(s) + w_count(s) + residual)};
}
template <class Args>
std::string kind(const Args& a) {
  const ConvShape& s = a.shape;
  return text(s.kh, "x", s.kw, " ", s.c, "->", s.o, " stride ", s.stride_h, " groups ", s.groups);
}

void* image(Arrays& a, const ConvShape& s) { return a.normal(int64_t(x_count(s))); }
void* weights(Arrays& a, const ConvShape& s) { return a.normal(int64_t(w_count(s)), 0, 0.05); }
void* result(Arrays& a, const ConvShape& s) { return a.normal(int64_t(y_count(s))); }

auto fwd(const Conv& c) {
  return [s = c.shape()](Arrays& a) {
    // Any rounding is let in, so that every row is timed; the differences say what each one costs.
    return Conv2dFwd{s, image(a, s), weights(a, s), a.normal(s.o), a.out(int64_t(y_count(s))), a.dtype(), nullptr, Precision::fast};
  };
}
constexpr int64_t kGroups = 32;
// y's moments left for the next norm.
auto leaving(const Conv& c) {
  return [plain = fwd(c)](Arrays& a) {
    Conv2dFwd p = plain(a);
    p.moments = {a.out<double>(2 * kGroups), kGroups};
    return p;
  };
}
// The same, and x normalised on the way in.
auto normed(const Conv& c) {
  return [s = c.shape(), leaves = leaving(c)](Arrays& a) {
    Conv2dFwd p = leaves(a);
    std::vector<double> moments(2 * kGroups, 1.0);
    p.norm = {a.table(moments), a.normal(s.c, 1, 0.1), a.normal(s.c), kGroups, 1e-6, Act::silu};
    return p;
  };
}
auto dgrad(const Conv& c) {
  return [s = c.shape()](Arrays& a) {
    return Conv2dDgrad{s, result(a, s), weights(a, s), nullptr, a.out(int64_t(x_count(s))), a.dtype()};
  };
}
auto wgrad(const Conv& c) {
  return [s = c.shape()](Arrays& a) {
    return Conv2dWgrad{s, image(a, s), result(a, s), a.out(int64_t(w_count(s))), a.out(s.o), a.dtype()};
  };
}

const Conv forward_shapes[] = {
    {64, 64, 512},   {128, 128, 256}, {128, 128, 128},      {256, 256, 64},  {256, 256, 32}, {512, 512, 16},
    {128, 128, 512}, {256, 128, 256}, {128, 64, 512},       {3, 64, 512},    {64, 3, 512},   {64, 64, 512, 3, 2},
    {256, 128, 256, 1},               {256, 512, 16, 1},
};
const Conv leaving_shapes[] = {{64, 64, 512}, {128, 128, 256}, {256, 256, 64}};
const Conv normed_shapes[] = {{64, 64, 512}, {128, 128, 256}, {128, 128, 128}, {256, 256, 32}, {512, 512, 16}};
const Conv gradient_shapes[] = {
    {64, 64, 64, 3, 1, 8}, {128, 128, 32, 3, 1, 8}, {256, 256, 16, 3, 1, 8}, {128, 128, 256}, {64, 3, 512}, {64, 64, 512, 3, 2}, {256, 128, 256, 1},
};

template <class Args, size_t N, class Make>
std::vector<BenchShape<Args>> shapes(const Conv (&list)[N], Make make, const char* after_name = "") {
  std::vector<BenchShape<Args>> result;
  for (const Conv& c : list) {
    const bool large = c.shrunken().size < c.size;
    result.push_back({c.name() + after_name, make(c), large ? typename BenchShape<Args>::Make(make(c.shrunken())) : nullptr, 2e-5, make(c.emulated())});
  }
  return result;
}

std::vector<BenchShape<Conv2dFwd>> all_forward() {
  auto list = shapes<Conv2dFwd>(forward_shapes, fwd);
  for (auto& s : shapes<Conv2dFwd>(leaving_shapes, leaving, " leaving moments")) {
    s.tiny = leaving({64, 64, 16});  // of as many pixels as a tile, which 8 x 8 are not
    list.push_back(std::move(s));
  }
  for (auto& s : shapes<Conv2dFwd>(normed_shapes, normed, " of GN+SiLU")) list.push_back(std::move(s));
  return list;
}

const BenchRegistration forward(conv2d_fwd, cost<Conv2dFwd>, all_forward(), kind<Conv2dFwd>);
const BenchRegistration data(conv2d_dgrad, cost<Conv2dDgrad>, shapes<Conv2dDgrad>(gradient_shapes, dgrad), kind<Conv2dDgrad>);
const BenchRegistration weight(conv2d_wgrad, cost<Conv2dWgrad>, shapes<Conv2dWgrad>(gradient_shapes, wgrad), kind<Conv2dWgrad>);

}  // namespace
}  // namespace kintsugi::bench
