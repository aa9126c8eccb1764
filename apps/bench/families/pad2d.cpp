// Reflecting borders of an image at 512x512, and back.
#include "kernels/pad2d.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

double plain(const Pad2d& a) { return double(a.n * a.h * a.w * a.c); }
double padded(const Pad2d& a) { return double(a.n * (a.h + a.top + a.bottom) * (a.w + a.left + a.right) * a.c); }
Cost cost(const Pad2d& a) { return {a.adjoint ? padded(a) : 0, bytes_of(a.dtype, plain(a) + padded(a))}; }

auto make(int64_t size, int64_t channels, int64_t pad, bool adjoint) {
  return [=](Arrays& x) {
    Pad2d a;
    a.dtype = x.dtype();
    a.adjoint = adjoint, a.n = 1, a.h = a.w = size, a.c = channels, a.top = a.bottom = a.left = a.right = pad;
    a.x = x.normal(int64_t(adjoint ? padded(a) : plain(a)));
    a.y = x.out(int64_t(adjoint ? plain(a) : padded(a)));
    return a;
  };
}

const BenchRegistration pad(pad2d_border, cost,
                           {{"64 @512, by 1", make(512, 64, 1, false), emulated(make(24, 64, 1, false))},
                            {"64 @512, by 1, adjoint", make(512, 64, 1, true), emulated(make(24, 64, 1, true))},
                            {"3 @512, by 16", make(512, 3, 16, false), emulated(make(64, 3, 16, false))}});

}  // namespace
}  // namespace kintsugi::bench
