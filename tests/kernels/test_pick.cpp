// Which row a family picks on which device.
#include <doctest/doctest.h>

#include "kernels/conv2d_up2.h"
#include "kernels/softmax.h"

using namespace kintsugi;

namespace {

template <class Args>
std::string refusal(const Family<Args>& family, DeviceKind where, const Args& args) {
  try {
    return std::string("took ") + family.pick(where, args).name;
  } catch (const Error& e) {
    return e.what();
  }
}
bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("pick: a device is served by its own rows or refused by name, never by another's") {
  const SoftmaxFwd softmax{nullptr, nullptr, 4, 8, DType::f32};
  for (DeviceKind where : {DeviceKind::cpu, DeviceKind::sim}) CHECK(softmax_fwd.pick(where, softmax).where == where);

  const Row<SoftmaxFwd> cpu_only[] = {{"ref", DeviceKind::cpu, takes_all<SoftmaxFwd>, nullptr, ""}};
  const Family<SoftmaxFwd> lonely{"pick_for_test", "", cpu_only};
  const std::string message = refusal(lonely, DeviceKind::sim, softmax);
  CHECK(says(message, "pick_for_test: no row on sim takes these arguments:"));
  CHECK(says(message, "ref (cpu): is for another device"));
}

TEST_CASE("pick: a dtype or a shape that the row named cannot do is an error that says why each row refused") {
  SoftmaxFwd f64{nullptr, nullptr, 4, 8, DType::f64};
  std::string message = refusal(softmax_fwd, DeviceKind::sim, f64);
  CHECK(says(message, "softmax_fwd: no row on sim takes these arguments:"));
  CHECK(says(message, "(sim): needs f32 or bf16"));
  {
    const KernelChoice fast("softmax_fwd", "fast");
    message = refusal(softmax_fwd, DeviceKind::cpu, f64);
    CHECK(says(message, "no row named 'fast' on cpu"));
    CHECK(says(message, "fast (cpu): needs f32"));
    CHECK(says(message, "ref (cpu): fits, but was not asked for"));
    CHECK(says(refusal(softmax_fwd, DeviceKind::sim, SoftmaxFwd{nullptr, nullptr, 4, 8, DType::f32}), "no row named 'fast' on sim"));
  }
  const KernelChoice winograd("conv2d_up2_fwd", "winograd");
  Conv2dUp2Fwd narrow{};
  narrow.n = 1, narrow.h = narrow.w = 16, narrow.c = narrow.o = 8;
  message = refusal(conv2d_up2_fwd, DeviceKind::cpu, narrow);
  CHECK(says(message, "winograd (cpu): needs channels in multiples of 16"));
}
