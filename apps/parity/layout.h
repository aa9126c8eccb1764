// Golden vectors are stored in PyTorch's order, this library computes channels last: one permutation leads from one to the other.
#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace kintsugi::parity {

/// Our axis i is the stored axis order[i]. Empty: the axes are the same.
using Order = std::vector<int>;

inline const Order as_stored{};
inline const Order nchw{0, 2, 3, 1};  // images, and conv weights O,I,kh,kw
inline const Order tnc{1, 0, 2};      // tokens stored as sequence, batch, channels

/// Images and conv weights by their rank: nchw for 4 axes, otherwise as stored.
const Order& order_of_rank(int rank);

/// Where cases computed in this type run: f32 on the device of the innermost RunOn, everything else on the CPU.
Device run_device(DType dtype);
/// A tensor in that type, there.
Tensor placed(const Tensor& t, DType dtype);
class RunOn {
 public:
  explicit RunOn(Device device);
  ~RunOn();
  RunOn(const RunOn&) = delete;
  RunOn& operator=(const RunOn&) = delete;

 private:
  Device outer_;
};

Tensor from_stored(const Tensor& stored, const Order& order);
/// On the CPU.
Tensor to_stored(const Tensor& ours, const Order& order);

}  // namespace kintsugi::parity
