// One operator case in one floating type. Stored inputs become leaves, outputs are compared, and finish() compares the gradients of
// sum over outputs of sum(output * g_output) with the stored grad_<input>.
//
//   static void conv2d_case(OpRun& r) {
//     r.output("out", conv2d(r.input("x", nchw), r.input("w", nchw), ...), nchw); }
#pragma once
#include "apps/parity/parity_case.h"
#include "nn/scope.h"

namespace kintsugi::parity {

class OpRun {
 public:
  OpRun(const GoldenFile& golden, Check& check, std::string name, Json options, DType dtype);

  const std::string& name() const { return name_; }
  /// The case's entry in the metadata.
  const Json& options() const { return options_; }
  DType dtype() const { return dtype_; }
  double tolerance() const;

  bool has(const std::string& tensor) const { return golden_.has(name_ + "/" + tensor); }
  /// A leaf when the file holds its gradient, otherwise a constant.
  Var input(const std::string& tensor, const Order& order = as_stored);
  /// input() when the file has it, otherwise an empty Var.
  Var optional_input(const std::string& tensor, const Order& order = as_stored);
  /// Fills a module's parameters from p.<name>; each counts as an input.
  void parameters(ParameterStore& store);
  /// Floating tensors in this run's type, others as they are.
  Tensor constant(const std::string& tensor, const Order& order = as_stored) const;

  const Shape& shape(const std::string& tensor) const { return golden_.shape(name_ + "/" + tensor); }

  /// Compares, and takes part in the gradients when the file has g_<tensor>.
  void output(const std::string& tensor, const Var& value, const Order& order = as_stored);
  /// Compares integers.
  void indices(const std::string& tensor, const Tensor& value);

  void finish();

 private:
  struct Leaf {
    std::string tensor;
    Var var;
    Order order;
  };
  std::string stored(const std::string& tensor) const { return name_ + "/" + tensor; }

  const GoldenFile& golden_;
  Check& check_;
  std::string name_;
  Json options_;
  DType dtype_;
  std::vector<Leaf> leaves_;
  Vars outputs_, seeds_;
};

using OpAdapter = std::function<void(OpRun&)>;

/// A kind whose cases are the entries of the metadata's "cases", each run in f64 and in f32. `choose` gives the adapter of a case by
/// its name and options, empty when it knows none.
ParityKind op_kind(std::string file, std::function<OpAdapter(const std::string& name, const Json& options)> choose);

}  // namespace kintsugi::parity
