// A file of part B in one floating type: stored tensors are called in.*, out.*, grad.* and scalar.*; gradients are of one stated scalar.
#pragma once
#include "apps/parity/parity_case.h"
#include "autograd/var.h"

namespace kintsugi::parity {

class PartRun {
 public:
  struct Rules {
    double f64_tolerance, f32_tolerance;
    bool kinks;  // gradients in f32 may cross one (Check::settle_kinks)
  };
  PartRun(const GoldenFile& golden, Check& check, DType dtype, const Rules& rules);

  const GoldenFile& golden() const { return golden_; }
  DType dtype() const { return dtype_; }
  double tolerance() const { return dtype_ == DType::f64 ? rules_.f64_tolerance : rules_.f32_tolerance; }

  /// Stored tensors in this run's type.
  Var leaf(const std::string& tensor, const Order& order = as_stored) const { return Var(constant(tensor, order), true); }
  Tensor constant(const std::string& tensor, const Order& order = as_stored) const;

  void values(const std::string& tensor, const Var& got, const Order& order = as_stored);
  /// A stored scalar.* by its bare name.
  void scalar(const std::string& name, const Var& got);

  /// Compares integers, whatever their stored width.
  void indices(const std::string& tensor, const Tensor& got);

  struct Wanted {
    std::string tensor;
    Var leaf;
    Order order = {};
  };
  void gradients(const Var& loss, const std::vector<Wanted>& wanted);

 private:
  const GoldenFile& golden_;
  Check& check_;
  DType dtype_;
  Rules rules_;
};

/// A kind of one case, run in f64 and f32 as operators are. `f32_against_f64` is the figure of the file's description: ten times
/// that is allowed in f32, and no less than operators are allowed where the figure is 0.
ParityKind part_kind(std::string file, double f32_against_f64, std::function<void(PartRun&)> run);
/// The same for networks with kinks, whose values are stored in f32.
ParityKind network_part_kind(std::string file, double f32_against_f64, std::function<void(PartRun&)> run);
/// The same in f32 alone, as a user runs a network, and again in f64 when a gradient is in doubt.
ParityKind large_network_part_kind(std::string file, double f32_against_f64, std::function<void(PartRun&)> run);

}  // namespace kintsugi::parity
