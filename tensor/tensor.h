// Tensor: a value handle to shared, dense, row-major memory. Activations are [N,H,W,C], tokens [N,T,C], conv weights
// [O,kh,kw,I]. A view is a reshape or a range of dim 0; nothing else shares memory. Copying a Tensor copies the handle.
//
// Where device() is not the CPU, kernels read and write the memory (raw) and nobody else: data and span throw, item, copy_ and host copy.
// Work on such a tensor is queued on current_stream(device()); use on another stream must be ordered by the caller.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kernels/base/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace kintsugi {

class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised memory (NaN under a PoisonGuard).
  explicit Tensor(Shape shape, DType dtype = DType::f32, Device device = {});

  /// With content from elsewhere, brought when it is first asked for.
  static Tensor from(std::unique_ptr<Origin> origin, Shape shape, DType dtype);

  static Tensor zeros(Shape shape, DType dtype = DType::f32, Device device = {});
  static Tensor full(Shape shape, double value, DType dtype = DType::f32, Device device = {});
  /// Copies the values; throws Error unless their count is shape.numel().
  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values) {
    Tensor t(shape, dtype_of<T>);
    KIN_CHECK(int64_t(values.size()) == shape.numel(), "tensor: ", shape, " needs ", shape.numel(), " values, got ", values.size());
    std::copy(values.begin(), values.end(), t.data<T>());
    return t;
  }
  /// A scalar (rank 0).
  static Tensor scalar(double value, DType dtype = DType::f32) { return full({}, value, dtype); }

  explicit operator bool() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t dim(int i) const { return shape_.dim(i); }
  int64_t numel() const { return shape_.numel(); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device{}; }
  size_t bytes() const { return size_t(numel()) * size_of(dtype_); }

  /// Typed pointer for the CPU to use. Throws Error when T is not the dtype and when the tensor is on another device. A handle: const
  /// Tensor does not mean const elements.
  template <class T>
  T* data() const {
    check_on_cpu();
    return raw<T>();
  }
  template <class T>
  std::span<T> span() const { return {data<T>(), size_t(numel())}; }
  /// Pointers into the memory of device(), for kernels' arguments; the typed one throws Error when T is not the dtype.
  void* raw() const { return storage_ ? static_cast<char*>(storage_->data()) + offset_ : nullptr; }
  template <class T>
  T* raw() const {
    KIN_CHECK(dtype_of<T> == dtype_, "tensor: asked for ", dtype_of<T>, " elements of a ", dtype_, " tensor ", shape_);
    return static_cast<T*>(raw());
  }
  /// The only element of a one-element tensor, or element i, as a double. Any dtype but f16. Throws Error when there is no such element.
  /// On a device it waits for the work queued so far.
  double item(int64_t i = 0) const;

  Tensor reshape(Shape shape) const;              // view; throws Error unless numel stays
  Tensor rows(int64_t begin, int64_t end) const;  // view of dim 0; throws Error when out of range
  Tensor clone() const;
  Tensor to(DType dtype) const;                   // copy, or the same handle when nothing changes
  /// A copy on that device, or the same handle when it is there. Throws Error when the device cannot be used.
  Tensor to(Device device) const;
  /// On the CPU: a copy, or the same handle.
  Tensor host() const { return to(Device{}); }

  /// In place: elements become those of src (same shape, else throws Error; dtype converted; any device). Bumps the version.
  void copy_(const Tensor& src);
  void fill_(double value);
  /// Every in-place writer calls this.
  void bump_version() const { storage_->bump_version(); }
  uint32_t version() const { return storage_ ? storage_->version() : 0; }
  bool shares_memory_with(const Tensor& o) const { return storage_ && storage_ == o.storage_; }
  /// Storage::release.
  void release() const {
    if (storage_) storage_->release();
  }
  /// Does no other Tensor, view or copy, share this memory?
  bool is_only_handle() const { return storage_.use_count() == 1; }

 private:
  void check_on_cpu() const {
    KIN_CHECK(device().kind == DeviceKind::cpu, "tensor: ", shape_, ' ', dtype_, " lies on ", device(),
              ", where the CPU must not read or write; host() copies it");
  }

  std::shared_ptr<Storage> storage_;
  size_t offset_ = 0;  // bytes
  Shape shape_;
  DType dtype_ = DType::f32;
};

/// "[2,16,16,128] f32 cpu", for messages.
std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace kintsugi
