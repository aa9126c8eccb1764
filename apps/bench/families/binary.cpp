// Elementwise sums and products on a feature map of CodeFormer, 64 channels at 512x512, and with a vector of channels.
#include "kernels/binary.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

// An operand that is repeated is read once: the extent along axes with a stride.
double extent(const PairWalk& w, const int64_t* strides) {
  double n = 1;
  for (int d = 0; d < w.rank; ++d) n *= strides[d] ? double(w.dims[d]) : 1;
  return n;
}
Cost cost(const Binary& a) {
  const double n = double(a.walk.count());
  return {n, bytes_of(a.dtype, n + extent(a.walk, a.walk.a) + extent(a.walk, a.walk.b))};
}

auto make(BinaryOp op, int64_t pixels, int64_t channels, bool vector) {
  return [=](Arrays& x) {
    Binary a;
    a.op = op, a.dtype = x.dtype();
    a.a = x.normal(pixels * channels), a.b = x.normal(vector ? channels : pixels * channels), a.y = x.out(pixels * channels);
    a.walk.push(pixels, channels, vector ? 0 : channels);
    a.walk.push(channels, 1, 1);
    a.walk.coalesce();
    return a;
  };
}

const BenchRegistration both(binary, cost,
                           {{"add, 64 @512", make(BinaryOp::add, 512 * 512, 64, false), emulated(make(BinaryOp::add, 512, 64, false))},
                            {"mul, 64 @512", make(BinaryOp::mul, 512 * 512, 64, false), emulated(make(BinaryOp::mul, 512, 64, false))},
                            {"add channels, 64 @512", make(BinaryOp::add, 512 * 512, 64, true), emulated(make(BinaryOp::add, 512, 64, true))}});

}  // namespace
}  // namespace kintsugi::bench
