#include "tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cast.h"

namespace kintsugi {
namespace {

// Both on the CPU.
void convert_on_cpu(const Tensor& to, const Tensor& from) {
  if (to.dtype() == from.dtype()) {
    if (to.numel()) std::memmove(to.raw(), from.raw(), to.bytes());
    return;
  }
  cpu::cast_ref({}, {from.raw(), to.raw(), to.numel(), from.dtype(), to.dtype()});
}

bool on_cpu(const Tensor& t) { return t.device().kind == DeviceKind::cpu; }

// Does the device have kernels for it? Others are rare and go by way of the CPU.
bool casts_there(const Tensor& to, const Tensor& from) {
  return (to.dtype() == DType::f32 && from.dtype() == DType::bf16) || (to.dtype() == DType::bf16 && from.dtype() == DType::f32);
}

// Between any two devices: directly where bytes only have to move, else by way of the CPU.
void convert_copy(const Tensor& to, const Tensor& from) {
  const Device there = to.device(), here = from.device();
  if (on_cpu(to) && on_cpu(from)) return convert_on_cpu(to, from);
  if (to.bytes() == 0 || to.raw() == from.raw()) return;
  if (here == there && casts_there(to, from))
    return cast_fwd({here, current_stream(here)}, {from.raw(), to.raw(), to.numel(), from.dtype(), to.dtype()});
  if (to.dtype() != from.dtype()) return convert_copy(to, from.host().to(to.dtype()));
  if (on_cpu(to)) return runtime_on(here).download(to.raw(), from.raw(), to.bytes(), current_stream(here));
  if (on_cpu(from)) return runtime_on(there).upload(to.raw(), from.raw(), to.bytes(), current_stream(there));
  if (here == there) return runtime_on(there).copy(to.raw(), from.raw(), to.bytes(), current_stream(there));
  convert_copy(to, from.host());
}

// A block is filled on the CPU, sent, and doubled on the device.
void fill_on_device(const Tensor& t, double value) {
  constexpr int64_t kBlock = 1 << 14;
  if (t.numel() == 0) return;
  DeviceRuntime& runtime = runtime_on(t.device());
  const Stream stream = current_stream(t.device());
  if (value == 0 && !std::signbit(value)) return runtime.fill_bytes(t.raw(), 0, t.bytes(), stream);
  const Tensor block = Tensor::full({std::min(t.numel(), kBlock)}, value, t.dtype());
  char* to = static_cast<char*>(t.raw());
  runtime.upload(to, block.raw(), block.bytes(), stream);
  for (size_t done = block.bytes(); done < t.bytes();) {
    const size_t n = std::min(done, t.bytes() - done);
    runtime.copy(to + done, to, n, stream);
    done += n;
  }
}

}  // namespace

Tensor::Tensor(Shape shape, DType dtype, Device device) : shape_(shape), dtype_(dtype) {
  storage_ = std::make_shared<Storage>(bytes(), device);
}

Tensor Tensor::from(std::unique_ptr<Origin> origin, Shape shape, DType dtype) {
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.storage_ = std::make_shared<Storage>(t.bytes(), std::move(origin));
  return t;
}

Tensor Tensor::zeros(Shape shape, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  if (on_cpu(t)) std::memset(t.raw(), 0, t.bytes());
  else fill_on_device(t, 0);
  return t;
}

Tensor Tensor::full(Shape shape, double value, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  t.fill_(value);
  return t;
}

double Tensor::item(int64_t i) const {
  KIN_CHECK(storage_ && i >= 0 && i < numel(), "tensor: element ", i, " of ", *this, " does not exist");
  if (!on_cpu(*this)) return reshape({numel()}).rows(i, i + 1).host().item();
  double v = 0;
  visit_any(dtype_, [&]<class T>(T*) { v = converted<double>(data<T>()[i]); });
  return v;
}

Tensor Tensor::reshape(Shape shape) const {
  KIN_CHECK(shape.numel() == numel(), "reshape: ", shape_, " has ", numel(), " elements, ", shape, " has ", shape.numel());
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  KIN_CHECK(rank() >= 1 && 0 <= begin && begin <= end && end <= dim(0), "rows: [", begin, ",", end, ") is not within dim 0 of ", shape_);
  Tensor t = *this;
  t.offset_ += size_t(begin) * size_t(shape_.product(1, rank())) * size_of(dtype_);
  t.shape_.set(0, end - begin);
  return t;
}

Tensor Tensor::clone() const {
  Tensor t(shape_, dtype_, device());
  convert_copy(t, *this);
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t(shape_, dtype, device());
  convert_copy(t, *this);
  return t;
}

Tensor Tensor::to(Device where) const {
  if (!storage_ || where == device()) return *this;
  Tensor t(shape_, dtype_, where);
  convert_copy(t, *this);
  return t;
}

void Tensor::copy_(const Tensor& src) {
  KIN_CHECK(src.shape() == shape_, "copy_: source must be ", shape_, ", got ", src.shape());
  convert_copy(*this, src);
  bump_version();
}

void Tensor::fill_(double value) {
  if (!on_cpu(*this)) {
    fill_on_device(*this, value);
  } else {
    visit_any(dtype_, [&]<class T>(T*) {
      const T v = converted<T>(value);
      for (T& e : span<T>()) e = v;
    });
  }
  bump_version();
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) {
  if (!t) return out << "(no tensor)";
  return out << t.shape() << ' ' << t.dtype() << ' ' << t.device();
}

}  // namespace kintsugi
