// tiny_step_stage2 and tiny_step_stage3: steps of CodeFormer's training with frozen codebook and generator.
#include "apps/parity/step_case.h"
#include "apps/parity/tiny_nets.h"
#include "models/codeformer/stages.h"
#include "models/losses/lpips.h"

namespace kintsugi::parity {
namespace {

const std::string kPrefix = "tiny_cf/", kTeacher = "tiny_cf_vqgan/", kDiscriminator = "tiny_s1_d/";

/// Codes of the clean faces by the frozen autoencoder, whose codebook is CodeFormer's own.
Tensor codes_of(const GoldenFile& golden, Check& check, const CodeFormer& net, DType dtype) {
  ParameterStore store({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const VQAutoEncoder teacher(store.root(), kTinyBackbone);
  fill_by_formula(store, golden.salt(), kTeacher);
  Tensor codebook = store.at("quantize.embedding.weight").value();
  codebook.copy_(net.backbone.quantize.embedding.weight.value());
  const Tensor want = golden.read("idx_gt"), codes = teacher.codes(placed(golden.read("gt", nchw), dtype)).reshape(want.shape());
  check.exact("idx_gt", codes, want);
  return codes;
}

/// The iteration of a case called "iter30000/".
int64_t iteration_of(const std::string& start) { return std::stoll(start.substr(4)); }

void stage2(const GoldenFile& golden, Check& check, const std::string& start, const Json& names, DType dtype) {
  ParameterStore g({.dtype = dtype, .initialise = false, .device = run_device(dtype)});
  const CodeFormer net(g.root(), kTinyCodeFormer);
  fill_by_formula(g, golden.salt(), kPrefix);
  freeze_codebook_and_generator(g);
  check_inputs(golden, check, kPrefix, {"gt", "in", "in_large"});
  const Tensor codes = codes_of(golden, check, net, dtype);
  run_step(golden, check, start, names, {.g = g, .g_prefix = kPrefix, .d_prefix = {}}, placed(golden.read("gt", nchw), dtype),
           {.lr = 1e-4, .ema_decay = 0.995}, [&] { return stage2_step(net, placed(golden.read("in", nchw), dtype), codes); });
}

void stage3(const GoldenFile& golden, Check& check, const std::string& start, const Json& names, DType dtype) {
  const StoreOptions empty{.dtype = dtype, .initialise = false, .device = run_device(dtype)};
  ParameterStore g(empty), d(empty), judge(empty);
  const CodeFormer net(g.root(), kTinyCodeFormer);
  const Discriminator discriminator(d.root(), kTinyDiscriminator);
  const LpipsLoss lpips(judge.root());
  fill_by_formula(g, golden.salt(), kPrefix);
  fill_by_formula(d, golden.salt(), kDiscriminator);
  fill_by_formula(judge, golden.salt(), "lpips/");
  freeze_codebook_and_generator(g);
  check_inputs(golden, check, kPrefix, {"gt", "in", "in_large"});

  Stage3Options options;
  options.joint.image.perceptual = lpips.as_image_loss();
  const auto image = [&](const char* name) { return placed(golden.read(name, nchw), dtype); };
  const Stage3Batch batch{.in = image("in"), .in_large = image("in_large"), .gt = image("gt"),
                          .target = codes_of(golden, check, net, dtype)};
  run_step(golden, check, start, names, {g, kPrefix, &d, &discriminator, kDiscriminator}, batch.gt, {.lr = 5e-5, .ema_decay = 0.997},
           [&] { return stage3_generator_step(net, &discriminator, batch, iteration_of(start), options); });
}

ParityKind steps(const char* file, void (*run)(const GoldenFile&, Check&, const std::string&, const Json&, DType)) {
  return {file, [run](const GoldenFile& golden) {
            std::vector<ParityCase> cases;
            const Json table = golden.metadata("cases");
            for (const auto& [start, names] : table.items())
              cases.push_back({start.substr(0, start.size() - 1),
                               network_run([&golden, run, start = start, names = names](Check& check, DType dtype) {
                                 run(golden, check, start, names, dtype);
                               })});
            return cases;
          }};
}

const ParityRegistration registrations[] = {ParityRegistration(steps("tiny_step_stage2", stage2)),
                                            ParityRegistration(steps("tiny_step_stage3", stage3))};

}  // namespace
}  // namespace kintsugi::parity
