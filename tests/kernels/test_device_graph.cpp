// Recorded work, on the emulated device: nothing runs while recording, every launch repeats it, memory keeps its place.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "kernels/base/device_graph.h"
#include "kernels/base/error.h"
#include "kernels/simt/emulator.h"
#include "kernels/unary.h"

using namespace kintsugi;

namespace {

const Device kSim{DeviceKind::sim, 0};
constexpr int kCount = 100;

std::vector<float> content(const DeviceBlock& b) {
  std::vector<float> v(kCount);
  runtime_on(kSim).download(v.data(), b.data(), b.bytes(), nullptr);
  return v;
}
void fill(const DeviceBlock& b, float value) {
  const std::vector<float> v(kCount, value);
  runtime_on(kSim).upload(b.data(), v.data(), b.bytes(), current_stream(kSim));
}
DeviceBlock block() { return DeviceBlock(kSim, kCount * sizeof(float), current_stream(kSim)); }
void affine(const DeviceBlock& x, const DeviceBlock& y, double a, double b) {
  unary_fwd({kSim, current_stream(kSim)}, {UnaryOp::affine, {a, b}, 0, DType::f32, kCount, x.data(), y.data()});
}

}  // namespace

TEST_CASE("device graph: recorded work runs when launched, on what the inputs hold then") {
  const DeviceBlock x = block(), y = block();
  fill(x, 3), fill(y, -1);
  const uint64_t before = simt::stats().launches;
  const DeviceGraph graph(kSim, [&] {
    CHECK(current_stream(kSim) != nullptr);
    affine(x, y, 2, 1);
    affine(y, y, 10, 0);
  });
  CHECK(simt::stats().launches == before);
  CHECK(content(y) == std::vector<float>(kCount, -1));
  graph.launch();
  CHECK(content(y) == std::vector<float>(kCount, 70));
  fill(x, 0.5);
  graph.launch();
  CHECK(content(y) == std::vector<float>(kCount, 20));
  CHECK(simt::stats().launches == before + 4);
  const auto kernels = graph.kernels();
  REQUIRE(kernels.size() == 2);
  CHECK(kernels[0].blocks * kernels[0].threads >= kCount / 4);
  CHECK(current_stream(kSim) == nullptr);
}

TEST_CASE("device graph: memory taken while recording is reused within it, outlives it where a block does, and goes back") {
  const MemoryStats before = memory_stats(kSim);
  {
    const DeviceBlock x = block();
    DeviceBlock result;
    {
      fill(x, 1);
      const DeviceGraph graph(kSim, [&] {
        DeviceBlock a = block();
        affine(x, a, 2, 0);
        void* const place = a.data();
        DeviceBlock b = block();
        CHECK(b.data() != place);
        affine(a, b, 3, 0);
        a = DeviceBlock();
        const DeviceBlock c = block();  // where a was: by then the stream is done with it
        CHECK(c.data() == place);
        affine(b, c, 1, 1);
        affine(c, b, 1, 0);
        result = std::move(b);
      });
      CHECK(graph.memory_bytes() == 2 * 512);
      for (int run = 0; run < 2; ++run) {
        graph.launch();
        CHECK(content(result) == std::vector<float>(kCount, 7));
      }
    }
    CHECK(content(result) == std::vector<float>(kCount, 7));
  }
  CHECK(memory_stats(kSim).live_bytes == before.live_bytes);
  CHECK(memory_stats(kSim).reserved_bytes == before.reserved_bytes);
}

TEST_CASE("device graph: work on the CPU that goes with the recorded is done at every launch, and at once where nothing is recorded") {
  const DeviceBlock x = block();
  fill(x, 1);
  int raised = 0;
  {
    const DeviceGraph graph(kSim, [&] {
      affine(x, x, 2, 0);
      beside_device_work([&] { ++raised; });
    });
    CHECK(raised == 0);
    graph.launch();
    graph.launch();
    CHECK(raised == 2);
  }
  CHECK(content(x) == std::vector<float>(kCount, 4));
  CHECK_THROWS_AS(DeviceGraph(kSim, [&] { beside_device_work([&] { raised = -1; }), fail("broken"); }), Error);
  beside_device_work([&] { ++raised; });
  CHECK(raised == 3);
}

TEST_CASE("device graph: uploads are kept, frees of older blocks wait, waiting is refused by name") {
  DeviceBlock x = block();
  const DeviceBlock y = block(), z = block();
  fill(y, 0);
  {
    std::vector<float> table(kCount, 4);
    const DeviceGraph graph(kSim, [&] {
      runtime_on(kSim).upload(y.data(), table.data(), y.bytes(), current_stream(kSim));
      runtime_on(kSim).copy(z.data(), y.data(), y.bytes(), current_stream(kSim));
      x = DeviceBlock();
    });
    table.assign(kCount, 9);  // the caller's memory is its own again
    CHECK(content(y) == std::vector<float>(kCount, 0));
    graph.launch();
    CHECK(content(z) == std::vector<float>(kCount, 4));
    CHECK(graph.kernels().empty());
  }
  const auto message_of = [&](const std::function<void()>& work) {
    try {
      const DeviceGraph graph(kSim, work);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  const OpName op("vq");
  CHECK(message_of([&] { content(y); }) == "sim: copy from the device in vq: cannot be recorded");
  CHECK(message_of([&] { runtime_on(kSim).synchronize(current_stream(kSim)); }) == "sim: wait for the stream in vq: cannot be recorded");
  CHECK(message_of([&] { const DeviceGraph inner(kSim, [] {}); }) == "device graph: one is being recorded already on this thread");
  CHECK(message_of([] { fail("broken"); }) == "broken");
  CHECK_THROWS_WITH_AS(DeviceGraph({}, [] {}), doctest::Contains("the CPU has none"), Error);
  // And nothing of it lingers.
  fill(y, 2);
  affine(y, z, 1, 1);
  CHECK(content(z) == std::vector<float>(kCount, 3));
}
