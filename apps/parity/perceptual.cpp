// perceptual: the VGG19 loss with three distances and with style, the LPIPS training loss, and plain LPIPS.
#include <map>

#include "apps/parity/formula.h"
#include "apps/parity/network.h"
#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/shape.h"
#include "models/losses/lpips.h"

namespace kintsugi::parity {
namespace {

void vgg19_loss_case(const GoldenFile& golden, Check& check, const std::string& name, const Json& options, DType dtype) {
  static const std::map<std::string, FeatureDistance> distances{
      {"l1", FeatureDistance::l1}, {"mse", FeatureDistance::mse}, {"fro", FeatureDistance::fro}};
  PerceptualArgs args{.layer_weights = {}, .style_weight = options.at("style_weight").get<double>(),
                      .distance = distances.at(options.at("criterion").get<std::string>()), .range_norm = true};
  for (const auto& [layer, weight] : options.at("layer_weights").items()) args.layer_weights.emplace_back(layer, weight.get<double>());
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const PerceptualLoss loss(store.root(), args);
  fill_by_formula(store, golden.salt(), "vgg19/");

  const std::string start = name + "/";
  const Var x(placed(golden.read("x", nchw), dtype), true);
  const PerceptualResult result = loss(x, placed(golden.read("y", nchw), dtype));
  if (result.style) check.number(start + "style_loss", result.style.item(), golden.number(start + "style_loss"), tolerance::network);
  check.number(start + "loss", result.perceptual.item(), golden.number(start + "loss"), tolerance::network);
  const Var total = loss.as_image_loss()(x, placed(golden.read("y", nchw), dtype));
  check.l2(start + "grad_x", grad(total, {x})[0].value(), golden.read(start + "grad_x"), tolerance::gradient, nchw);
  const std::vector<std::string> stored = golden.names_below(start + "feat_x/");
  if (stored.empty()) return;
  const NoGrad no_grad;
  for (const auto& [layer, feature] : loss.vgg_net(imagenet_normalize((x + 1.0) * 0.5), stored)) {
    const std::string tensor = start + "feat_x/" + layer;
    const Tensor want = golden.read(tensor);  // the first channels may be all that is kept
    check.values(tensor, narrow(feature, 3, 0, want.dim(1)).value(), want, tolerance::network, nchw);
  }
}

void lpips_loss_case(const GoldenFile& golden, Check& check, DType dtype) {
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const LpipsLoss loss(store.root());
  fill_by_formula(store, golden.salt(), "lpips/");
  const Var x(placed(golden.read("x", nchw), dtype), true);
  const Var value = loss(x, placed(golden.read("y", nchw), dtype));
  check.number("loss", value.item(), golden.number("lpips_loss/loss"), tolerance::network);
  check.l2("grad_x", grad(value, {x})[0].value(), golden.read("lpips_loss/grad_x"), tolerance::gradient, nchw);
}

void lpips_metric_case(const GoldenFile& golden, Check& check, DType dtype) {
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const Lpips lpips(store.root());
  fill_by_formula(store, golden.salt(), "lpips/");
  const NoGrad no_grad;
  const Var x = placed(golden.read("x", nchw), dtype), y = placed(golden.read("y", nchw), dtype);
  const LpipsResult plain = lpips(x, y);
  check.values("value_per_image", plain.distance.value(), golden.read("lpips_metric/value_per_image"), tolerance::network);
  check.values("per_layer", stack(plain.per_layer).value(), golden.read("lpips_metric/per_layer"), tolerance::network);
  const auto from_unit = [](const Var& image) { return ((image + 1.0) * 0.5) * 2.0 - 1.0; };  // its normalize=True, on [0,1] images
  check.values("value_from_01_normalize", lpips(from_unit(x), from_unit(y)).distance.value(),
               golden.read("lpips_metric/value_from_01_normalize"), tolerance::network);
}

std::vector<ParityCase> cases(const GoldenFile& golden) {
  std::vector<ParityCase> all{{"inputs", [&golden](Check& check) {
    for (const char* name : {"x", "y"})
      check.values(name, formula(golden.salt(), text("percep/", name), golden.shape(name)), golden.read(name), 0);
  }}};
  const Json table = golden.metadata("cases");
  for (const auto& [name, options] : table.items()) {
    if (options.contains("criterion"))
      all.push_back({name, network_run([&golden, name = name, options = options](Check& check, DType dtype) {
                       vgg19_loss_case(golden, check, name, options, dtype);
                     })});
    else if (name == "lpips_loss")
      all.push_back({name, network_run([&golden](Check& check, DType dtype) { lpips_loss_case(golden, check, dtype); })});
    else
      all.push_back({name, {}, Standing::unknown});
  }
  all.push_back({"lpips_metric", network_run([&golden](Check& check, DType dtype) { lpips_metric_case(golden, check, dtype); })});
  return all;
}

const ParityRegistration registration({"perceptual", cases});

}  // namespace
}  // namespace kintsugi::parity
