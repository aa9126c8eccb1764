// How a computed tensor is held against a stored one. Every rule yields a row with an error and the tolerance it must not exceed.
#pragma once
#include <string>
#include <vector>

#include "apps/parity/layout.h"

namespace kintsugi::parity {

/// The tolerances of the golden vectors' own description; see apps/parity/README.md for where each comes from.
namespace tolerance {
inline constexpr double operator_f64 = 1e-10;  // same formula, another order of summation
inline constexpr double operator_f32 = 2e-6;
inline constexpr double stored_in_f32 = 2e-7;  // f64 against values rounded to f32: at most 2^-24 of each
inline constexpr double network = 2e-5;
inline constexpr double gradient = 2e-3;       // relative L2
inline constexpr double probe = 5e-3;          // of the row's norm
inline constexpr double kink = 0.05;           // how far a flipped unit may bring a gradient in f32
inline constexpr double kink_twin = 2e-6;      // what the same gradient must hold in f64 then
inline constexpr double zero = 1e-5;           // of the largest norm, where the true gradient is zero
}  // namespace tolerance

struct Comparison {
  std::string tensor;
  DType dtype = DType::f32;  // what it was computed in
  const char* rule = "";
  double error = 0, tolerance = 0;
  bool ok = false;           // false for an error that is not a number
  std::string note;          // where the worst was found
  bool gradient = false;     // a gradient, or what follows from one
  bool kink = false;         // see Check::settle_kinks
};

/// Collects the rows of one case.
class Check {
 public:
  const std::vector<Comparison>& rows() const { return rows_; }
  /// Rows from here on were computed in this type.
  void computed_in(DType dtype) { dtype_ = dtype; }

  // `got` is in our order and converted by `order` first; `want` is as stored. A shape that differs is a failed row.

  /// max |got - want| <= tolerance * max(max|want|, scale).
  void values(const std::string& tensor, const Tensor& got, const Tensor& want, double tolerance, const Order& order = as_stored,
              double scale = 0);
  /// ||got - want|| <= tolerance * max(||want||, scale).
  void l2(const std::string& tensor, const Tensor& got, const Tensor& want, double tolerance, const Order& order = as_stored,
          double scale = 0);
  /// |got - want| <= tolerance * |want|.
  void number(const std::string& tensor, double got, double want, double tolerance);
  /// Integers and bytes; the error is the largest difference, 0 allowed unless said.
  void exact(const std::string& tensor, const Tensor& got, const Tensor& want, const Order& order = as_stored, double allowed = 0);
  /// |got| <= tolerance * scale: for gradients that are zero in theory.
  void zero(const std::string& tensor, const Tensor& got, double scale, double tolerance);
  /// A parameter after an optimiser's first step. Adam moves every entry by about lr whatever the gradient's size, so entries with
  /// |gradient| below 1e-3 of the tensor's largest may go either way: 2.1 lr there, 1e-6 elsewhere. The error is in units of that.
  /// `zero_in_theory`: the whole gradient is noise, so every entry may.
  void adam_step(const std::string& tensor, const Tensor& got, const Tensor& want, const Tensor& stored_gradient, double lr,
                 bool zero_in_theory, const Order& order = as_stored);
  void row(const std::string& tensor, const char* rule, double error, double tolerance, std::string note = {});
  void fail(const std::string& tensor, std::string note);
  /// The row just added is a gradient or follows from one (l2, tables and Adam steps are by themselves).
  void mark_gradient() { rows_.back().gradient = true; }

  /// Is a gradient computed in f32 beyond its tolerance?
  bool gradient_in_doubt() const;
  /// In f32 a ReLU, LeakyReLU, max-pool or L1 may fall on the other side of its kink than in the reference, and takes a patch of the
  /// gradient with it; the official code's own f32 does so too. Such a row is held to be right when the same row computed in f64, where
  /// no kink is that close, is right to 2e-6, and when it is not further off than a flipped unit can bring it.
  void settle_kinks();

 private:
  bool same_shape(const std::string& tensor, const Tensor& got, const Tensor& want);

  std::vector<Comparison> rows_;
  DType dtype_ = DType::f32;
};

/// A gradient reduced to two numbers: its L2 norm, and its dot product with the formula vector of its name + "#probe".
struct Summary {
  double norm = 0, probe = 0;
};
/// `gradient` in our order, `name` with the case's prefix.
Summary summarise(const Tensor& gradient, const std::string& salt, const std::string& name, const Order& order);

struct TableEntry {
  std::string name;
  Summary got, want;
};
/// The rule for tables of gradients: norms within `norm_tolerance`, probes within `probe_tolerance` of the norm; a row whose stored
/// norm is below 1e-9 of the table's largest is zero in theory and must stay below 1e-5 of the largest.
void check_table(Check& check, const std::string& tensor, const std::vector<TableEntry>& entries,
                 double norm_tolerance = tolerance::gradient, double probe_tolerance = tolerance::probe);

}  // namespace kintsugi::parity
