// ops_conv: convolutions with every option used by the networks, and transposed convolutions.
#include "apps/parity/op_run.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/pad2d.h"

namespace kintsugi::parity {
namespace {

/// A number, or [height, width].
Padding padding(const Json& p) {
  if (p.is_number()) return pad_all(p.get<int>());
  const auto hw = p.get<std::vector<int>>();
  return {hw.at(0), hw.at(0), hw.at(1), hw.at(1)};
}

void conv2d_case(OpRun& r) {
  const Json& o = r.options();
  Conv2dOptions options{o.at("stride").get<int>(), padding(o.at("padding")), o.at("dilation").get<int>(), o.at("groups").get<int>()};
  Var x = r.input("x", nchw);
  if (o.contains("pre_pad")) {
    const Json& pre = o.at("pre_pad");
    const auto p = pre.at("left,right,top,bottom").get<std::vector<int>>();
    const std::string mode = pre.at("mode").get<std::string>();
    if (mode == "constant") {  // zeros: the convolution's own padding, as the down-sampling layer has it
      options.pad = {options.pad.top + p.at(2), options.pad.bottom + p.at(3), options.pad.left + p.at(0), options.pad.right + p.at(1)};
    } else {
      KIN_CHECK(mode == "reflect", "conv2d: unknown pad mode ", mode);
      x = pad2d(x, p.at(2), p.at(3), p.at(0), p.at(1), PadMode::reflect);
    }
  }
  r.output("out", conv2d(x, r.input("w", nchw), r.optional_input("b"), options), nchw);
}

void conv_transpose2d_case(OpRun& r) {
  const Json& o = r.options();
  Conv2dTransposeOptions options;
  options.stride = o.at("stride").get<int>();
  options.pad = padding(o.at("padding"));
  options.output_padding = o.at("output_padding").get<int>();
  options.groups = o.at("groups").get<int>();
  r.output("out", conv2d_transpose(r.input("x", nchw), r.input("w", nchw), r.optional_input("b"), options), nchw);
}

OpAdapter choose(const std::string&, const Json& options) {
  const std::string op = options.value("op", "");
  if (op == "conv2d") return conv2d_case;
  if (op.rfind("conv_transpose2d", 0) == 0) return conv_transpose2d_case;
  return {};
}

const ParityRegistration registration(op_kind("ops_conv", choose));

}  // namespace
}  // namespace kintsugi::parity
