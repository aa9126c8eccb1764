#include "apps/parity/layout.h"

#include <cstring>

namespace kintsugi::parity {
namespace {

Device run_on;

template <class T>
void gather(const T* from, T* to, const Shape& shape, const std::vector<int64_t>& strides) {
  std::vector<int64_t> at(size_t(shape.rank()), 0);
  int64_t source = 0;
  for (int64_t i = 0, n = shape.numel(); i < n; ++i) {
    to[i] = from[source];
    for (int a = shape.rank() - 1; a >= 0; --a) {
      source += strides[size_t(a)];
      if (++at[size_t(a)] < shape[a]) break;
      source -= strides[size_t(a)] * shape[a];
      at[size_t(a)] = 0;
    }
  }
}

/// y's axis i is x's axis order[i].
Tensor permuted(const Tensor& x, const Order& order) {
  KIN_CHECK(int(order.size()) == x.rank(), "parity: a tensor of ", order.size(), " axes is needed, got ", x);
  std::vector<int64_t> stride_of(order.size()), strides, dims;
  int64_t stride = 1;
  for (int a = x.rank() - 1; a >= 0; --a) {
    stride_of[size_t(a)] = stride;
    stride *= x.dim(a);
  }
  for (int a : order) {
    strides.push_back(stride_of[size_t(a)]);
    dims.push_back(x.dim(a));
  }
  Tensor y(Shape(dims), x.dtype());
  switch (size_of(x.dtype())) {
    case 8: gather(static_cast<const uint64_t*>(x.raw()), static_cast<uint64_t*>(y.raw()), y.shape(), strides); break;
    case 4: gather(static_cast<const uint32_t*>(x.raw()), static_cast<uint32_t*>(y.raw()), y.shape(), strides); break;
    case 2: gather(static_cast<const uint16_t*>(x.raw()), static_cast<uint16_t*>(y.raw()), y.shape(), strides); break;
    default: gather(static_cast<const uint8_t*>(x.raw()), static_cast<uint8_t*>(y.raw()), y.shape(), strides);
  }
  return y;
}

}  // namespace

const Order& order_of_rank(int rank) { return rank == 4 ? nchw : as_stored; }

Tensor from_stored(const Tensor& stored, const Order& order) { return order.empty() ? stored : permuted(stored, order); }

Device run_device(DType dtype) { return dtype == DType::f32 ? run_on : Device{}; }
Tensor placed(const Tensor& t, DType dtype) { return t.to(dtype).to(run_device(dtype)); }
RunOn::RunOn(Device device) : outer_(run_on) { run_on = device; }
RunOn::~RunOn() { run_on = outer_; }

Tensor to_stored(const Tensor& ours, const Order& order) {
  Order back(order.size());
  for (size_t i = 0; i < order.size(); ++i) back[size_t(order[i])] = int(i);
  return from_stored(ours.host(), back);
}

}  // namespace kintsugi::parity
