// Sums over all pixels (the gradient of a bias), over channels, and the winning code of each token.
#include "kernels/reduce.h"

#include "apps/bench/case.h"

namespace kintsugi::bench {
namespace {

template <class Args>
double in(const Args& a) { return double(a.outer * a.reduced * a.inner); }
template <class Args>
double out(const Args& a) { return double(a.outer * a.inner); }

Cost sum_cost(const ReduceSum& a) { return {in(a), bytes_of(a.dtype, in(a) + out(a))}; }
Cost max_cost(const ReduceMax& a) { return {in(a), bytes_of(a.dtype, in(a) + (a.y ? out(a) : 0)) + (a.index ? 8 * out(a) : 0)}; }
// Picking touches one element per line; placing writes zeros everywhere else.
Cost pick_cost(const PickPlace& a) { return {0, bytes_of(a.dtype, out(a) + (a.place ? in(a) : out(a))) + 8 * out(a)}; }

auto sum(int64_t outer, int64_t reduced, int64_t inner) {
  return [=](Arrays& x) { return ReduceSum{x.dtype(), outer, reduced, inner, 1, x.normal(outer * reduced * inner), x.out(outer * inner)}; };
}
auto max(int64_t outer, int64_t reduced) {
  return [=](Arrays& x) { return ReduceMax{x.dtype(), outer, reduced, 1, x.normal(outer * reduced), x.out(outer), x.out<int64_t>(outer)}; };
}
auto pick(int64_t outer, int64_t reduced, bool place) {
  return [=](Arrays& x) {
    const int64_t* index = x.below<int64_t>(outer, reduced);
    return PickPlace{place, x.dtype(), outer, reduced, 1, x.normal(place ? outer : outer * reduced), index, x.out(place ? outer * reduced : outer)};
  };
}

const BenchRegistration sums(reduce_sum, sum_cost,
                           {{"over the pixels, 64 @512", sum(1, 512 * 512, 64), {}, 1e-4, sum(1, 700, 64)},
                            {"over the channels, 256 @64", sum(64 * 64, 256, 1), emulated(sum(128, 256, 1))},
                            {"everything, 3 @512", sum(1, 3 * 512 * 512, 1), {}, 1e-4, sum(1, 40000, 1)}});
const BenchRegistration maxima(reduce_max, max_cost, {{"4096x1024 logits", max(4096, 1024), emulated(max(32, 1024))}});
const BenchRegistration picks(pick_place, pick_cost,
                           {{"pick from 4096x1024", pick(4096, 1024, false), emulated(pick(32, 1024, false))},
                            {"place into 4096x1024", pick(4096, 1024, true), emulated(pick(32, 1024, true))}});

}  // namespace
}  // namespace kintsugi::bench
