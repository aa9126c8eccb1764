// checkpoints: damaged safetensors files must be refused; the rest are the expected values of .pth files.
#include "apps/parity/parity_case.h"

namespace kintsugi::parity {
namespace {

ParityKind refused(const char* name) { return {text("checkpoints/", name), {}, true}; }
ParityKind set_aside(const char* name, Standing standing) {
  return {text("checkpoints/", name), [standing](const GoldenFile&) { return std::vector<ParityCase>{{"", {}, standing}}; }};
}

const ParityRegistration registrations[] = {
    ParityRegistration(refused("bad_header_length")),
    ParityRegistration(refused("bad_offsets")),
    ParityRegistration(refused("bad_shape_overflow")),
    ParityRegistration(set_aside("mini_expected", Standing::not_built)),
    ParityRegistration(set_aside("training_state_expected", Standing::not_built)),
    ParityRegistration(set_aside("views_expected", Standing::not_built)),
};

}  // namespace
}  // namespace kintsugi::parity
