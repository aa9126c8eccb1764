// Devices and rows that cannot do what is asked: one error each, with what was wrong and what there is, and nothing lost.
#include "kernels/base/device_runtime.h"
#include "kernels/table.h"
#include "tests/apps/restoring.h"

using namespace kintsugi;

namespace {

void check_one_error(const ProgramRun& run, int code, const std::vector<std::string>& parts) {
  CHECK_MESSAGE(run.exit_code == code, run.output);
  CHECK_MESSAGE(count(run.err, "kintsugi: ") == 1, run.err);
  for (const std::string& part : parts) CHECK_MESSAGE(run.err.find(part) != std::string::npos, "'", part, "' is not in: ", run.err);
}

}  // namespace

TEST_CASE("device: names that are none, and GPUs that are not there, stop every command before it begins") {
  const Scratch folder;
  const auto picture = write_picture(folder / "in.png", 16, 16);
  const std::string before = content(tiny_run().path / "codes.safetensors");
  const std::string to_restore = restore_command(quoted(picture), folder / "out"), to_train = "train " + quoted(write_text(folder / "tiny.toml", kTinyRecipe)) +
                                                                                                  " --set out=" + quoted(folder / "run");
  for (const std::string& command : {to_restore, to_train, std::string("gradcheck discriminator"), std::string("bench softmax_fwd"), std::string("kernels")}) {
    INFO(command);
    for (const char* name : {"tpu", "cuda:x", "cuda:-1", "sim:1"}) check_one_error(run_program(command + " --device " + name), 2, {"--device", "got '", name});
    const DeviceRuntime& cuda = device_runtime(DeviceKind::cuda);
    if (cuda.count() == 0) check_one_error(run_program(command + " --device cuda"), 1, {"--device cuda: " + cuda.refuses(0), "use --device cpu or auto"});
    else check_one_error(run_program(command + " --device cuda:15"), 1, {"no device cuda:15"});
  }
  CHECK(files_below(folder / "out").empty());
  CHECK(files_below(folder / "run").empty());
  CHECK(content(tiny_run().path / "codes.safetensors") == before);
}

TEST_CASE("device: a row by name that is for another device, type or shape is one error listing why each row refused") {
  const Scratch folder;
  const auto picture = write_picture(folder / "in.png", 16, 16);
  const auto out = folder / "out";
  const auto with = [&](const std::string& more) { return run_program(restore_command(quoted(picture), out, "-q " + more)); };
  check_one_error(with("--device sim --kernels conv2d_fwd=winograd"), 1, {"conv2d_fwd: no row named 'winograd' on sim", "winograd (cpu): is for another device"});
  check_one_error(with("--device cpu --kernels softmax_fwd=block,conv2d_fwd=tile"), 1, {"no row named 'tile' on cpu", "tile (sim): is for another device"});
  check_one_error(with("--device cpu --kernels group_norm_fwd=quick"), 2, {"no such row", "group_norm_fwd=fast (cpu)"});
  // The network ends in three channels.
  check_one_error(with("--device cpu --kernels conv2d_fwd=winograd"), 1, {"no row named 'winograd' on cpu", "winograd (cpu): needs channels"});
  CHECK(files_below(out).empty());
}

TEST_CASE("device: the emulated one says which families it has no kernels for") {
  const ProgramRun run = run_program("gradcheck discriminator --device sim");
  CHECK_MESSAGE(run.exit_code == 0, run.output);
  bool any = false;
  for (const FamilyInfo* f : all_families()) {
    const auto rows = f->row_infos();
    const bool missing = std::none_of(rows.begin(), rows.end(), [](const RowInfo& r) { return r.where == DeviceKind::sim; });
    any |= missing;
    if (missing) CHECK_MESSAGE(run.err.find(f->name()) != std::string::npos, run.err);
  }
  CHECK_MESSAGE((run.err.find("it has no kernels for ") != std::string::npos) == any, run.err);
}

TEST_CASE("device: memory that ends while a restore runs costs that picture alone") {
  const Scratch folder;
  const auto picture = write_picture(folder / "in.png", 16, 16);
  const ProgramRun run = run_program(restore_command(quoted(picture), folder / "out", "--device sim"), "KINTSUGI_SIM_MEMORY=900000");
  CHECK_MESSAGE(run.exit_code == 1, run.output);
  for (const char* part : {"out of memory on sim in ", "bytes were asked for", "are live", "the peak was"}) CHECK_MESSAGE(run.err.find(part) != std::string::npos, run.err);
  CHECK(files_below(folder / "out").empty());
}
