// Networks whose weights are formula tensors, and their gradients as the files keep them.
#pragma once
#include <map>

#include "apps/parity/parity_case.h"
#include "nn/scope.h"

namespace kintsugi::parity {

/// Runs a case in f32, as a user runs a network, and again in f64 when a gradient is in doubt (Check::settle_kinks).
std::function<void(Check&)> network_run(std::function<void(Check&, DType)> run);

/// The permutation between a parameter here and in files.
const Order& order_of(Layout layout);

/// Every parameter and buffer becomes the formula tensor of prefix + its name.
void fill_by_formula(ParameterStore& store, const std::string& salt, const std::string& prefix);

/// mean(image * probe), the probe being the formula tensor of name + "#probe" in the image's stored order: a loss whose gradient differs
/// at every pixel.
Var probed_mean(const std::string& salt, const std::string& name, const Var& image);

/// Gradients by parameter name; a parameter without one (frozen, or not reached) is absent.
using Gradients = std::map<std::string, Tensor>;
/// d loss / d every trainable parameter.
Gradients gradients_of(const Var& loss, const ParameterStore& store);
/// What backward() has collected.
Gradients collected_gradients(const ParameterStore& store);

/// A stored table [n,2] of gradient summaries and the names of its rows.
struct GradientTable {
  std::string tensor;
  std::vector<std::string> names;
};

/// A table's rows: L2 norm, and dot product with the formula vector of prefix + name + "#probe". A name that is no parameter is looked
/// up in `inputs`, which holds gradients of images. A trainable parameter that the table leaves out must have no gradient.
void check_gradient_table(const GoldenFile& golden, Check& check, const GradientTable& table, const ParameterStore& store,
                          const std::string& prefix, const Gradients& gradients, const Gradients& inputs = {});

/// Every stored <start><name> against its gradient, by relative L2; the table says which are zero in theory.
void check_stored_gradients(const GoldenFile& golden, Check& check, const std::string& start, const GradientTable& table,
                            const ParameterStore& store, const Gradients& gradients, const Gradients& inputs = {});

/// Parameters and buffers after an optimiser's first step: every stored <start><name> has moved as Adam moves it, given the stored gradients
/// <gradient_start><name>; tensors without a stored gradient (running statistics) are compared as values.
void check_after_step(const GoldenFile& golden, Check& check, const std::string& start, const std::string& gradient_start,
                      const GradientTable& table, const ParameterStore& store, double lr);

}  // namespace kintsugi::parity
