// checkpoints: PyTorch's files beside each golden file must give its values; damaged and hostile ones must be refused.
#include <filesystem>
#include <set>

#include "apps/parity/parity_case.h"
#include "nn/open_checkpoint.h"

namespace kintsugi::parity {
namespace {

namespace fs = std::filesystem;

ParityKind refused(const char* name) { return {text("checkpoints/", name), {}, true}; }

// One checkpoint whose tensors, found under `prefix` + name, are those of the golden file times `factor`, within `tolerance`.
struct Wrapping {
  const char* file;
  double tolerance = 0;
  double factor = 1;  // of the floats
  const char* prefix = "";
};

void compare(const GoldenFile& golden, const Wrapping& w, Check& check) {
  const TensorSource source = open_checkpoint((golden.folder() / w.file).string());
  const std::set<std::string> names(source.names.begin(), source.names.end());
  for (const std::string& name : golden.names()) {
    if (!names.count(w.prefix + name)) {
      // An integer cannot be a parameter, so the file of parameters has no counter.
      if (golden.read(name).dtype() != DType::i64) check.fail(name, "is missing");
      continue;
    }
    Tensor want = golden.read(name);
    const Tensor got = source.read(w.prefix + name);
    if (want.dtype() == DType::f32 && w.factor != 1)
      for (float& v : want.span<float>()) v = float(v * w.factor);
    if (got.dtype() == DType::bf16) check.values(name, got.to(DType::f32), want, w.tolerance);
    else if (w.tolerance > 0 && got.dtype() == DType::f32) check.values(name, got, want, w.tolerance);
    else check.exact(name, got, want);
  }
}

// Everything beside the golden file that was made to be refused.
void check_refused(const GoldenFile& golden, Check& check) {
  for (const auto& entry : fs::directory_iterator(golden.folder())) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("bad_") && !name.starts_with("evil_")) continue;
    try {
      open_checkpoint(entry.path().string());
      check.fail(name, "was not refused");
    } catch (const Error&) {
      check.row(name, "refused", 0, 0);
    }
  }
}

ParityKind wrappings(const char* golden, std::vector<Wrapping> files, bool with_refused = false) {
  return {text("checkpoints/", golden), [=](const GoldenFile& file) {
            std::vector<ParityCase> cases;
            for (const Wrapping& w : files) cases.push_back({w.file, [&file, w](Check& check) { compare(file, w, check); }});
            if (with_refused) cases.push_back({"refused", [&file](Check& check) { check_refused(file, check); }});
            return cases;
          }};
}

const ParityRegistration registrations[] = {
    ParityRegistration(refused("bad_header_length")),
    ParityRegistration(refused("bad_offsets")),
    ParityRegistration(refused("bad_shape_overflow")),
    // Rounding to p bits moves a value by at most 2^-p of it: 11 bits in half precision, 8 in bfloat16.
    ParityRegistration(wrappings("mini_expected",
                                 {{"mini_zip.pth"}, {"mini_legacy.pth"}, {"mini_bare_state_dict.pth"}, {"mini_module_prefix.pth"},
                                  {"mini_parameters.pth"}, {"mini_params_and_ema.pth", 0, 0.5}, {"mini_fp16.pth", 0x1p-11},
                                  {"mini_bf16.pth", 0x1p-8}},
                                 true)),
    ParityRegistration(wrappings("views_expected", {{"views_zip.pth"}, {"views_legacy.pth"}})),
    ParityRegistration(wrappings("training_state_expected", {{"training_state.pth", 0, 1, "optimizers.0.state.0."}})),
};

}  // namespace
}  // namespace kintsugi::parity
