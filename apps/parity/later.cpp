// Golden files whose networks do not exist yet, and files of constants. A file moves out of here when its network arrives.
#include "apps/parity/parity_case.h"

namespace kintsugi::parity {
namespace {

constexpr const char* kNotBuilt[] = {
    "facelib",
    "arcface/blocks",
    "arcface/st_soft",
    "clr_face/edm_cond_unet",
    "clr_face/edm_uncond_precond",
    "clr_face/edm_unet_block",
    "clr_face/guided_step",
    "clr_face/heun5",
    "clr_face/irn_small",
    "clr_face/swinir_same",
    "clr_face/swinir_x4real",
    "clr_face/vqf4_small",
    "codeformer_pp/bisenet19",
    "codeformer_pp/stylegan2_discriminator",
    "codeformer_pp/tgrn_small",
    "codeformer_pp/vxm2d_diffeo",
    "codeformer_pp/vxm2d_disp",
    "daefr/association",
    "daefr/blocks",
    "daefr/daefr_full512",
    "daefr/daefr_small",
    "daefr/mhca_cross",
    "daefr/mhca_self",
    "daefr/patch_discriminator",
    "daefr/vqvae_tiny",
    "metrics/fan98",
    "metrics/fan_peaks",
    "metrics/fid",
    "metrics/inception_fid",
    "metrics/lmd",
    "metrics/lpips_alex",
    "metrics/musiq",
    "metrics/niqe",
    "metrics/niqe_parts",
};
constexpr const char* kData[] = {
    "metrics/lpips_lin_alex",
    "metrics/lpips_lin_squeeze",
    "metrics/lpips_lin_vgg",
    "metrics/niqe_pris_params",
};

std::vector<ParityRegistration> all() {
  std::vector<ParityRegistration> registrations;
  const auto set_aside = [&](const char* file, Standing standing) {
    registrations.emplace_back(ParityKind{file, [standing](const GoldenFile&) { return std::vector<ParityCase>{{"", {}, standing}}; }});
  };
  for (const char* file : kNotBuilt) set_aside(file, Standing::not_built);
  for (const char* file : kData) set_aside(file, Standing::data);
  return registrations;
}
const std::vector<ParityRegistration> registrations = all();

}  // namespace
}  // namespace kintsugi::parity
