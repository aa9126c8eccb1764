// Convolutions and matrix products against values and gradients recorded from PyTorch in f64. The files are NCHW and OIHW.
#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/engine.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "tests/harness/golden.h"

using namespace kintsugi;

namespace {

double l2_error(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double d = 0, n = 0;
  for (int64_t i = 0; i < b.numel(); ++i) {
    d += (a.item(i) - b.item(i)) * (a.item(i) - b.item(i));
    n += b.item(i) * b.item(i);
  }
  return std::sqrt(d / n);
}

/// NCHW -> NHWC and OIHW -> OHWI; other ranks as they are.
Tensor channels_last(const Tensor& t) { return t.rank() == 4 ? permute(t, {0, 2, 3, 1}).value() : t; }
Tensor as_stored(const Tensor& t) { return t; }

/// Runs f on the case's inputs (those that exist of `names`) in one dtype and compares result and gradients.
template <class F>
void check_case(const SafetensorsFile& file, const std::string& name, const std::vector<std::string>& names, Tensor (*layout)(const Tensor&),
                DType dtype, F&& f) {
  INFO(name, " ", kintsugi::name(dtype));
  // f32: sums of at most 150 terms, roundings of 6e-8. f64: the order of additions.
  const double tolerance = dtype == DType::f32 ? 1e-6 : 1e-14;
  const auto read = [&](const std::string& part) { return layout(file.read(name + "/" + part)); };
  Vars inputs, present;
  for (const auto& n : names) {
    inputs.push_back(file.has(name + "/" + n) ? Var(read(n).to(dtype), true) : Var());
    if (inputs.back()) present.push_back(inputs.back());
  }
  const Var y = f(inputs);
  CHECK(l2_error(y.value(), read("out")) <= tolerance);
  const Vars grads = grad(y, present, Var(read("g_out").to(dtype)));
  for (size_t i = 0, next = 0; i < names.size(); ++i)
    if (inputs[i]) {
      INFO("gradient of ", names[i]);
      CHECK(l2_error(grads[next++].value(), read("grad_" + names[i])) <= tolerance);
    }
}

}  // namespace

TEST_CASE("convolutions agree with recorded ones") {
  const auto file = open_golden("ops_conv.safetensors");
  if (!file) return;
  const auto cases = nlohmann::json::parse(file->metadata().at("cases"));
  for (const auto& [name, c] : cases.items()) {
    Padding pad;
    const int stride = c["stride"], groups = c["groups"];
    if (c["padding"].is_array()) pad = {c["padding"][0], c["padding"][0], c["padding"][1], c["padding"][1]};
    else pad = pad_all(c["padding"]);
    if (c.contains("pre_pad")) {
      if (c["pre_pad"]["mode"] != "constant") continue;  // reflection is another op
      const auto p = c["pre_pad"]["left,right,top,bottom"].get<std::vector<int>>();
      pad = {p[2], p[3], p[0], p[1]};
    }
    const bool transpose = c.contains("output_padding");
    for (const DType dtype : {DType::f64, DType::f32})
      check_case(*file, name, {"x", "w", "b"}, channels_last, dtype, [&](const Vars& v) {
        return transpose ? conv2d_transpose(v[0], v[1], v[2], {stride, pad, 1, groups, c["output_padding"]})
                         : conv2d(v[0], v[1], v[2], {stride, pad, c["dilation"], groups});
      });
  }
}

TEST_CASE("matrix products agree with recorded ones") {
  const auto file = open_golden("ops_linear.safetensors");
  if (!file) return;
  for (const DType dtype : {DType::f64, DType::f32}) {
    for (const char* name : {"linear_2d", "linear_3d_nobias"})
      check_case(*file, name, {"x", "w", "b"}, as_stored, dtype, [](const Vars& v) { return linear(v[0], v[1], v[2]); });
    for (const char* name : {"bmm", "matmul_broadcast"})
      check_case(*file, name, {"a", "b"}, as_stored, dtype, [](const Vars& v) { return matmul(v[0], v[1]); });
  }
}
