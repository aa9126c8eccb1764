// The bench on a GPU, by way of the emulated one: the same arrays, streams, events, checks and reports. Nothing here asks how long anything took.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/bench/cubin.h"
#include "apps/bench/device_peak.h"
#include "apps/bench/emulate.h"
#include "apps/bench/gpu/peak.h"
#include "apps/bench/report.h"
#include "apps/bench/stopwatch.h"
#include "kernels/gpu_rows.h"
#include "kernels/simt/emulator.h"
#include "kernels/softmax.h"
#include "tests/apps/tiny_run.h"

using namespace kintsugi;
using namespace kintsugi::bench;

namespace {

const Device kSim{DeviceKind::sim, 0};

MeasureOptions on_sim(DType dtype, std::vector<std::string> families = {"softmax_fwd"}) {
  MeasureOptions o;
  o.families = std::move(families), o.shapes = "256x1024", o.seconds = 1e-4, o.device = kSim, o.dtype = dtype;
  return o;
}
Machine emulated_machine() {
  Machine m;
  m.device = kSim, m.processor = "emulated", m.simd = "sm_90", m.cores = 1;
  m.roofs = {{1, 1e9, 1e9}};
  return m;
}
bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("bench device: arrays lie where their rows run, in the type and with the values asked for") {
  Arrays here({{}, DType::f32, DType::bf16}), there({kSim, DType::bf16, DType::bf16}), plain;
  const auto *x = static_cast<const float*>(here.normal(1000, 1, 2)), *p = static_cast<const float*>(plain.normal(1000, 1, 2));
  const auto* y = static_cast<const bf16*>(there.normal(1000, 1, 2));
  for (int i = 0; i < 1000; ++i) {
    CHECK(x[i] == float(bf16(p[i])));
    CHECK(x[i] == float(y[i]));  // sim's memory is the host's
  }
  CHECK(there.statistics(3, 0, 1)[2] == plain.statistics(3, 0, 1)[2]);
  CHECK(there.below<int64_t>(5, 100)[4] == plain.below<int64_t>(5, 100)[4]);
  CHECK(there.bytes() == 2000 + 3 * 4 + 5 * 8);
  here.out(4), there.out(4);
  CHECK(std::isinf(worst_difference(there, here)));  // nothing was written
}

TEST_CASE("bench device: every shape has a tiny problem that some row of the emulated GPU takes") {
  for (const BenchFamily& f : bench_families()) {
    const auto rows = rows_of(f, {}, on_sim(DType::f32));
    for (const auto& s : f.shapes) {
      if (rows.empty()) continue;
      if (s.name.ends_with("GN+SiLU")) continue;  // a norm on the way in is the CPU's
      Arrays arrays({kSim, DType::f32, DType::f32});
      const auto args = s.make(arrays, ProblemSize::tiny);
      INFO(f.name(), ", ", s.name);
      CHECK(std::any_of(rows.begin(), rows.end(), [&](const auto& r) { return r.refuses(args.get()).empty(); }));
      CHECK(arrays.bytes() <= size_t(22) << 20);  // weights of 512 channels
    }
  }
}

TEST_CASE("bench device: rows of the emulated GPU are checked, then timed; their kernels are told") {
  for (DType dtype : {DType::f32, DType::bf16}) {
    std::vector<Measurement> all;
    measure(on_sim(dtype), emulated_machine(), {}, [&](const BenchFamily&, const std::vector<Measurement>& rows) { all.insert(all.end(), rows.begin(), rows.end()); });
    REQUIRE(all.size() == 2);
    for (const Measurement& m : all) {
      INFO(m.row, " ", std::string(name(dtype)));
      CHECK(!m.wrong);
      CHECK(!m.on_small);
      CHECK(m.difference < (dtype == DType::bf16 ? 0x1p-8 : 1e-6));
      CHECK(m.cost.bytes == 2.0 * double(size_of(dtype)) * 32 * 1024);
      CHECK(m.samples >= 5);
      CHECK(m.copies == 1);
      CHECK(m.extra == 0);
      REQUIRE(m.kernels.size() == 1);
      CHECK(m.kernels[0].blocks * (m.row == "naive" ? m.kernels[0].threads : 1) >= 32);
    }
    const std::string table = shape_text(all, emulated_machine(), on_sim(dtype));
    CHECK_MESSAGE(says(table, text(all[0].kernels[0].blocks, " x ", all[0].kernels[0].threads, " threads")), table);
    CHECK(says(header_text(emulated_machine(), on_sim(dtype), {}), "times and peaks are the emulator's"));
  }
}

TEST_CASE("bench device: a device or type that no row is for is refused by name") {
  const auto message = [](const MeasureOptions& o) {
    try {
      check(o, {});
    } catch (const UsageError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  MeasureOptions o = on_sim(DType::f32);
  for (const BenchFamily& f : bench_families()) {
    if (!rows_of(f, {}, o).empty()) continue;
    MeasureOptions none = on_sim(DType::f32, {f.name()});
    none.shapes.clear();
    CHECK(says(message(none), "no row of " + f.name() + " runs on sim"));
  }
  o = on_sim(DType::bf16);
  o.device = {};
  CHECK(says(message(o), "--dtype bf16 needs --device cuda or sim"));
  o = on_sim(DType::f32);
  o.clock = Clock::cpu;
  CHECK(says(message(o), "--clock cpu"));
  check_refused(run_program("bench softmax_fwd --dtype f16"), 2, {"--dtype", "f16"});
  check_refused(run_program("bench restore --device sim"), 2, {"bench restore", "sim"});
  if (device_runtime(DeviceKind::cuda).count() == 0)
    check_refused(run_program("bench softmax_fwd --device cuda"), 1, {"--device cuda", device_runtime(DeviceKind::cuda).refuses(0)});
}

TEST_CASE("bench device: as a command") {
  const Scratch folder;
  const ProgramRun run = run_program("bench softmax_bwd --device sim --dtype bf16 --rows block --shapes 256x1024 --seconds 0.001 --json " + quoted(folder / "b.json") +
                                     " --csv " + quoted(folder / "b.csv"));
  CHECK_MESSAGE(run.exit_code == 0, run.output);
  CHECK(says(run.out, "emulated GPU"));
  const auto json = nlohmann::json::parse(content(folder / "b.json"));
  CHECK(json["machine"]["device"] == "sim");
  REQUIRE(json["results"].size() == 1);
  CHECK(json["results"][0]["device"] == "sim");
  CHECK(json["results"][0]["dtype"] == "bf16");
  CHECK(json["results"][0]["kernels"][0]["threads"] > 0);
  CHECK(says(content(folder / "b.csv"), "\"block\",sim,bf16,1,"));
}

TEST_CASE("bench device: the peaks compute what they are counted for") {
  const Tensor out({kPeakThreads}, DType::f32, kSim);
  PeakRun run{1, 3, out.raw<float>()};
  const Context context{kSim, nullptr};
  sim::peak_fma(context, run);
  float want = 0;
  for (int c = 0; c < kPeakChains; ++c) {
    float x = float(7 + c);
    for (int r = 0; r < run.rounds; ++r) x = std::fmaf(x, 0.999f, 0.5f);
    want += x;
  }
  CHECK(out.host().item(7) == doctest::Approx(want).epsilon(1e-6));
  CHECK(run.fma_flops() == 2.0 * kPeakChains * 3 * kPeakThreads);

  // All products of a 16 x 8 tile are positive; the sums grow by the same amount each round.
  const auto total = [&](void (*peak)(const Context&, const PeakRun&), int rounds) {
    run.rounds = rounds;
    peak(context, run);
    const Tensor here = out.host();
    double sum = 0;
    for (float v : here.span<float>()) sum += v;
    return sum;
  };
  const double mma = total(sim::peak_mma, 1), wgmma = total(sim::peak_wgmma, 1);
  CHECK(mma > 0);
  CHECK(total(sim::peak_mma, 3) == doctest::Approx(3 * mma).epsilon(1e-5));
  // 64 x 256 sums of 64 products of +-0.01 with alternating signs that agree, for each of two warpgroups.
  const double value = float(bf16(0.01f));
  CHECK(wgmma == doctest::Approx(2.0 * 64 * 256 * 64 * value * value).epsilon(1e-5));
  CHECK(total(sim::peak_wgmma, 3) == doctest::Approx(3 * wgmma).epsilon(1e-5));

  for (DType dtype : {DType::f32, DType::bf16}) {
    const Machine m = measure_device(kSim, dtype);
    CHECK(m.device == kSim);
    CHECK(m.roof(1).flops > 0);
    CHECK(m.roof(1).bytes > 0);
  }
}

TEST_CASE("bench device: a kernel's machine code is found by symbol and by what the GPU can run") {
  std::vector<KernelResources> all(3);
  all[0].symbol = all[1].symbol = all[2].symbol = "k";
  all[0].architecture = 80, all[1].architecture = 90, all[2].architecture = 89;
  CHECK(find_kernel(all, "k", 90) == &all[1]);
  CHECK(find_kernel(all, "k", 89) == &all[2]);
  CHECK(find_kernel(all, "k", 86) == &all[0]);
  CHECK(find_kernel(all, "k", 75) == nullptr);
  CHECK(find_kernel(all, "j", 90) == nullptr);
}

TEST_CASE("bench emulate: requests and conflicts of each row, or which build counts them") {
  if (!why_not_emulated().empty()) {
    check_refused(run_program("bench softmax_fwd --emulate"), 2, {"--emulate", "preset simcheck"});
    return;
  }
  std::vector<EmulatedRun> all;
  emulate(on_sim(DType::f32), [&](const BenchFamily&, const std::vector<EmulatedRun>& rows) { all.insert(all.end(), rows.begin(), rows.end()); });
  REQUIRE(all.size() == 2);
  for (const EmulatedRun& r : all) {
    INFO(r.row);
    CHECK(r.launches == 1);
    CHECK(r.cost.bytes == 2 * 4 * 32 * 1024);
    CHECK(r.traffic() >= 1);  // everything is read and written at least once
    CHECK(r.counts.global_requests > 0);
    CHECK(r.counts.overfetch() >= 1);
  }
  const auto& block = all[0].row == "block" ? all[0] : all[1];
  const auto& naive = all[0].row == "block" ? all[1] : all[0];
  CHECK(block.counts.overfetch() == 1);        // neighbouring threads read neighbouring elements
  CHECK(naive.counts.overfetch() > 7);         // each lane walks a row of its own: a sector for every element
  CHECK(says(to_text(all), "requests"));
  CHECK(to_json(all, DType::f32)["results"].size() == 2);
  check_refused(run_program("bench softmax_fwd --emulate --csv x.csv"), 2, {"--emulate", "--json"});
}
