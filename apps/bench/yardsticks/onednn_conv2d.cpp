// oneDNN's convolutions. Each in the layout it asks for (channels in blocks; reorders are not timed), and the direct one on NHWC too.
// Its Winograd form is not asked for by name: in 2.6.3 that ends the program on this path; `onednn` may choose it.
#include "apps/bench/yardsticks/onednn.h"
#include "apps/bench/yardsticks/opponents.h"
#include "kernels/conv2d.h"

namespace kintsugi::bench {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Tag = memory::format_tag;
constexpr auto kF32 = memory::data_type::f32;

// Dimensions in oneDNN's order and the descriptions of our own arrays.
struct Problem {
  memory::dims x, y, w, b, strides, dilation, before, after;
  Tag w_own;

  explicit Problem(const ConvShape& s)
      : x{s.n, s.c, s.h, s.w}, y{s.n, s.o, s.out_h, s.out_w}, b{s.o}, strides{s.stride_h, s.stride_w},
        dilation{s.dilation_h - 1, s.dilation_w - 1}, before{s.top, s.left} {
    after = {(s.out_h - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1 - s.h - s.top,
             (s.out_w - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1 - s.w - s.left};
    if (s.groups > 1) w = {s.groups, s.o / s.groups, s.c / s.groups, s.kh, s.kw};
    else w = {s.o, s.c, s.kh, s.kw};
    w_own = s.groups > 1 ? Tag::gohwi : Tag::ohwi;
  }
  static memory::desc of(const memory::dims& d, Tag tag) { return {d, kF32, tag}; }
  memory::desc x_own() const { return of(x, Tag::nhwc); }
  memory::desc y_own() const { return of(y, Tag::nhwc); }
  memory::desc weights_own() const { return of(w, w_own); }
  memory::desc bias_own() const { return of(b, Tag::a); }
};

// nhwc: images stay as they are; else oneDNN chooses. Weights are always its choice.
struct Variant {
  algorithm how;
  bool nhwc;
  Tag images() const { return nhwc ? Tag::nhwc : Tag::any; }
};
constexpr Variant kAuto{algorithm::convolution_auto, false}, kDirect{algorithm::convolution_direct, false},
    kNhwc{algorithm::convolution_direct, true};

dnnl::convolution_forward::primitive_desc fwd_desc(const Problem& p, Variant v, bool bias, dnnl::prop_kind kind) {
  const auto x = p.of(p.x, v.images()), y = p.of(p.y, v.images()), w = p.of(p.w, Tag::any);
  if (bias) return {{kind, v.how, x, w, p.bias_own(), y, p.strides, p.dilation, p.before, p.after}, onednn_engine()};
  return {{kind, v.how, x, w, y, p.strides, p.dilation, p.before, p.after}, onednn_engine()};
}
auto desc(const Conv2dFwd& a, Variant v) { return fwd_desc(Problem(a.shape), v, a.bias, dnnl::prop_kind::forward_inference); }
dnnl::convolution_backward_data::primitive_desc desc(const Conv2dDgrad& a, Variant v) {
  const Problem p(a.shape);
  return {{v.how, p.of(p.x, v.images()), p.of(p.w, Tag::any), p.of(p.y, v.images()), p.strides, p.dilation, p.before, p.after},
          onednn_engine(), fwd_desc(p, v, false, dnnl::prop_kind::forward_training)};
}
dnnl::convolution_backward_weights::primitive_desc desc(const Conv2dWgrad& a, Variant v) {
  const Problem p(a.shape);
  const auto x = p.of(p.x, v.images()), y = p.of(p.y, v.images()), w = p.of(p.w, Tag::any);
  const auto forward = fwd_desc(p, v, true, dnnl::prop_kind::forward_training);
  return {{v.how, x, w, p.bias_own(), y, p.strides, p.dilation, p.before, p.after}, onednn_engine(), forward};
}

template <class Args>
const char* other_reason(const Args& a) {
  if (a.dtype != DType::f32) return "needs f32";
  if constexpr (requires { a.gbias; }) {
    if (!a.gw || !a.gbias) return "computes both gradients";
  }
  if constexpr (requires { a.gx; }) {
    if (a.bias) return "adds no bias";
  }
  if constexpr (requires { a.residual; }) {
    if (a.residual) return "adds no residual";
    if (a.norm || a.moments) return "neither takes a norm nor leaves moments";
  }
  return nullptr;
}

template <class Args, const Variant& v>
std::string refuses(const Args& a) {
  if (const char* why = other_reason(a)) return why;
  try {
    desc(a, v);
    return "";
  } catch (const dnnl::error& e) {
    return e.what();
  }
}

void connect(OneDnnRun& r, const dnnl::convolution_forward::primitive_desc& d, const Problem& p, const Conv2dFwd& a) {
  r.input(DNNL_ARG_SRC, p.x_own(), a.x, d.src_desc());
  r.input(DNNL_ARG_WEIGHTS, p.weights_own(), a.w, d.weights_desc());
  if (a.bias) r.input(DNNL_ARG_BIAS, p.bias_own(), a.bias, d.bias_desc());
  r.output(DNNL_ARG_DST, p.y_own(), a.y, d.dst_desc());
}
void connect(OneDnnRun& r, const dnnl::convolution_backward_data::primitive_desc& d, const Problem& p, const Conv2dDgrad& a) {
  r.input(DNNL_ARG_DIFF_DST, p.y_own(), a.gy, d.diff_dst_desc());
  r.input(DNNL_ARG_WEIGHTS, p.weights_own(), a.w, d.weights_desc());
  r.output(DNNL_ARG_DIFF_SRC, p.x_own(), a.gx, d.diff_src_desc());
}
void connect(OneDnnRun& r, const dnnl::convolution_backward_weights::primitive_desc& d, const Problem& p, const Conv2dWgrad& a) {
  r.input(DNNL_ARG_SRC, p.x_own(), a.x, d.src_desc());
  r.input(DNNL_ARG_DIFF_DST, p.y_own(), a.gy, d.diff_dst_desc());
  r.output(DNNL_ARG_DIFF_WEIGHTS, p.weights_own(), a.gw, d.diff_weights_desc());
  r.output(DNNL_ARG_DIFF_BIAS, p.bias_own(), a.gbias, d.diff_bias_desc());
}

template <class D> struct PrimitiveOf;
template <> struct PrimitiveOf<dnnl::convolution_forward::primitive_desc> { using type = dnnl::convolution_forward; };
template <> struct PrimitiveOf<dnnl::convolution_backward_data::primitive_desc> { using type = dnnl::convolution_backward_data; };
template <> struct PrimitiveOf<dnnl::convolution_backward_weights::primitive_desc> { using type = dnnl::convolution_backward_weights; };

template <class Args, const Variant& v>
std::unique_ptr<Prepared> prepare(const Args& a, int threads) {
  omp_set_num_threads(threads);  // the primitive is compiled for this number
  const auto d = desc(a, v);
  auto run = std::make_unique<OneDnnRun>(threads);
  run->primitive = typename PrimitiveOf<std::remove_const_t<decltype(d)>>::type(d);
  connect(*run, d, Problem(a.shape), a);
  return run;
}

template <class Args, const Variant& v>
YardstickRow row(const char* family, const char* name, const char* note) {
  return yardstick_row<Args, refuses<Args, v>, prepare<Args, v>>(family, name, note);
}
template <class Args>
void add_rows(std::vector<YardstickRow>& rows, const char* family) {
  rows.push_back(row<Args, kAuto>(family, "onednn", "whatever oneDNN chooses, blocked layout"));
  rows.push_back(row<Args, kDirect>(family, "onednn_direct", "direct, blocked layout"));
  rows.push_back(row<Args, kNhwc>(family, "onednn_nhwc", "direct, images NHWC"));
}

}  // namespace

Yardstick onednn() {
  const dnnl_version_t* v = dnnl_version();
  Yardstick y{"onednn", text(v->major, ".", v->minor, ".", v->patch), "", {}};
  add_rows<Conv2dFwd>(y.rows, "conv2d_fwd");
  add_rows<Conv2dDgrad>(y.rows, "conv2d_dgrad");
  add_rows<Conv2dWgrad>(y.rows, "conv2d_wgrad");
  for (auto& r : onednn_matmul_rows()) y.rows.push_back(std::move(r));
  return y;
}

}  // namespace kintsugi::bench
