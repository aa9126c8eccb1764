// ops_loss: losses, adversarial losses, and a penalty on second derivatives.
#include <map>

#include "apps/parity/op_run.h"
#include "autograd/engine.h"
#include "autograd/ops/binary.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/cross_entropy.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/unary.h"

namespace kintsugi::parity {
namespace {

OpAdapter between(std::function<Var(const Var&, const Var&)> f) {
  return [f = std::move(f)](OpRun& r) { r.output("out", f(r.input("pred"), r.input("target"))); };
}

void cross_entropy_case(OpRun& r) {
  double smoothing = 0;
  const std::string op = r.options().at("op").get<std::string>(), key = "label smoothing ";
  if (const size_t at = op.find(key); at != std::string::npos) smoothing = std::stod(op.substr(at + key.size()));
  r.output("out", cross_entropy(r.input("logits"), r.constant("target"), smoothing));
}

/// "official GANLoss(hinge)"
void gan_case(OpRun& r) {
  static const std::map<std::string, GanKind> kinds{{"hinge", GanKind::hinge},
                                                    {"vanilla", GanKind::vanilla},
                                                    {"lsgan", GanKind::lsgan},
                                                    {"wgan", GanKind::wgan},
                                                    {"wgan_softplus", GanKind::wgan_softplus}};
  const Json& o = r.options();
  const std::string op = o.at("op").get<std::string>();
  const size_t from = op.find('(') + 1;
  const auto kind = kinds.find(op.substr(from, op.find(')') - from));
  KIN_CHECK(kind != kinds.end(), "parity: no adversarial loss called ", op);
  r.output("out", gan_loss(kind->second, r.input("x"), o.at("target_is_real").get<bool>(), o.at("is_disc").get<bool>()));
}

void kl_case(OpRun& r) { r.output("out", kl_div_batchmean(log_softmax(r.input("x")), softmax(r.input("y")))); }

void cosine_case(OpRun& r) { r.output("out", cosine_similarity(r.input("a"), r.input("b"))); }

void gram_case(OpRun& r) { r.output("out", gram(r.input("x", nchw))); }

/// mean over images of |d sum(tanh(conv(x, w))) / dx|^2; its gradient needs second derivatives.
void r1_case(OpRun& r) {
  const Var x = r.input("x", nchw), w = r.input("w", nchw);
  const Var scores = sum(tanh(conv2d(x, w, {}, {.stride = 2, .pad = pad_all(1)})));
  const Var slope = grad(scores, {x}, {}, {.create_graph = true})[0];
  r.output("out", sum(square(slope)) / double(x.dim(0)));
}

OpAdapter choose(const std::string&, const Json& options) {
  const std::string op = options.value("op", "");
  const auto starts = [&](const char* s) { return op.rfind(s, 0) == 0; };
  if (starts("cross entropy")) return cross_entropy_case;
  if (op == "official L1Loss mean") return between(l1_loss);
  if (op == "official MSELoss mean") return between(mse_loss);
  if (op == "official CharbonnierLoss mean") {
    const double eps = options.at("eps").get<double>();
    return between([eps](const Var& a, const Var& b) { return charbonnier_loss(a, b, eps); });
  }
  if (op == "smooth_l1_loss beta 1") return between([](const Var& a, const Var& b) { return smooth_l1_loss(a, b, 1); });
  if (starts("official GANLoss(")) return gan_case;
  if (starts("kl_div(")) return kl_case;
  if (starts("cosine_similarity")) return cosine_case;
  if (starts("Gram matrix")) return gram_case;
  if (starts("R1 penalty")) return r1_case;
  return {};
}

const ParityRegistration registration(op_kind("ops_loss", choose));

}  // namespace
}  // namespace kintsugi::parity
