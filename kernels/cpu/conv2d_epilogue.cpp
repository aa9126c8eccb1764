// The parts one after the other: the CPU keeps no tile of results long enough for more.
#include "kernels/conv2d_epilogue.h"

#include "kernels/base/parallel.h"
#include "kernels/unary.h"

namespace kintsugi::cpu {

void conv2d_fwd_ref(const Context&, const Conv2dFwd&);

namespace {

template <class T>
void transform(const Conv2dEpilogueFwd& p, int64_t count) {
  const T *base = static_cast<const T*>(p.base), *scale = static_cast<const T*>(p.scale), strength = T(p.strength);
  T* y = static_cast<T*>(p.conv.y);
  parallel_for(count, grain_for(4), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = (scale[i] * base[i] + y[i]) * strength + base[i];
  });
}

int64_t outputs(const Conv2dEpilogueFwd& p) {
  const ConvShape& s = p.conv.shape;
  return s.n * s.out_h * s.out_w * s.o;
}

}  // namespace

void conv2d_epilogue_fwd_ref(const Context& context, const Conv2dEpilogueFwd& p) {
  conv2d_fwd_ref(context, p.conv);
  visit_float(p.conv.dtype, "conv2d_epilogue_fwd", [&]<class T>() {
    if (p.kind == ConvEpilogue::sft) return transform<T>(p, outputs(p));
    T* y = static_cast<T*>(p.conv.y);
    for (int64_t i = 0; i < outputs(p); ++i) y[i] = y[i] > 0 ? y[i] : y[i] * T(p.slope);
  });
}

void conv2d_epilogue_fwd_parts(const Context& context, const Conv2dEpilogueFwd& p) {
  conv2d_fwd(context, p.conv);
  if (p.kind == ConvEpilogue::sft) return transform<float>(p, outputs(p));
  unary_fwd(context, {.op = UnaryOp::leaky_relu, .params = {p.slope}, .dtype = p.conv.dtype, .n = outputs(p), .x = p.conv.y, .y = p.conv.y});
}

}  // namespace kintsugi::cpu
