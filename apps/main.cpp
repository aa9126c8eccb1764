// The program `kintsugi`: reads the command line, calls one command, turns exceptions into exit codes.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <optional>

#include "apps/bench/bench.h"
#include "apps/bench/tune.h"
#include "apps/cli/device_choice.h"
#include "apps/cli/exit_codes.h"
#include "apps/cli/help.h"
#include "apps/convert.h"
#include "apps/demo.h"
#include "apps/gradcheck.h"
#include "apps/info.h"
#include "apps/kernels.h"
#include "apps/parity/parity.h"
#include "apps/prepare.h"
#include "apps/restore/command_line.h"
#include "apps/restore/restore.h"
#include "apps/train_command.h"
#include "apps/watch/dead_stage.h"
#include "autograd/precision.h"
#include "kernels/base/parallel.h"
#include "kernels/table.h"

using namespace kintsugi;

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Kintsugi: face restoration networks, trained, checked and run without a framework.\n\n"
               "  kintsugi demo                                              the whole story in five minutes\n"
               "  kintsugi restore photo.png --weights demo -o restored.png  one face, with what the demo trained", "kintsugi"};
  app.footer("Every command also takes --threads, --kernels, --exact, --device and -q: see kintsugi --help.");
  app.require_subcommand(1);
  app.fallthrough();
  bool json = false, quiet = false, resources = false;
  int thread_count = 0;
  std::string kernels, device = "auto";
  app.add_option("--threads", thread_count, "Threads to compute with (default: one per core)")->check(CLI::Range(1, 1024));
  app.add_option("--kernels", kernels, "Kernel rows by name: FAMILY=ROW,... ('*' matches anything), or @FILE that bench --tune wrote");
  app.add_option("--device", device, "Where to compute: auto, cpu, cuda, cuda:N, or sim, the emulated GPU")->capture_default_str();
  bool exact = false;
  app.add_flag("--exact", exact, "Only kernels that round as little as plain summation: slower, and pictures differ by far less than one grey level");
  app.set_version_flag("--version", [] { return build_facts(); });

  std::function<int()> command;
  // Asked by the commands that compute, when they run.
  const auto where = [&] { return choose_device(device, quiet); };
  std::vector<std::string> files;
  app.add_flag("-q,--quiet", quiet, "Results only: no progress");

  DemoOptions demo_options;
  auto* demo = app.add_subcommand("demo", "Train a small CodeFormer on drawn faces and restore faces it has never seen");
  add_example(*demo, "");
  demo->add_option("-o,--out", demo_options.out, "Folder for checkpoints and pictures")->capture_default_str();
  demo->add_option("--seed", demo_options.seed, "Another seed, other faces")->capture_default_str();
  demo->callback([&] { command = [&] { demo_options.quiet = quiet; demo_options.device = where(); return run_demo(demo_options); }; });

  TrainCommand train_options;
  auto* train = app.add_subcommand("train", "Train from a recipe: codebook, code prediction, fidelity");
  add_example(*train, "apps/recipes/demo.toml --set out=runs/mine --set stage1.steps=400");
  train->add_option("RECIPE", train_options.recipe, "TOML file; apps/recipes has examples")->required();
  train->add_option("--set", train_options.set, "Change one value: KEY=VALUE (repeatable)")->allow_extra_args(false);
  train->add_option("--stage", train_options.stages, "Only these stages; earlier ones' results are read from the run folder")
      ->check(CLI::Range(1, 3))
      ->allow_extra_args(false);
  train->add_option("--from", train_options.from, "Run folder whose results the first stage starts from (default: the recipe's out)");
  train->add_flag("--resume", train_options.resume, "Go on from the run folder's last training state, after a signal (exit code 75) or a crash; start where there is none");
  train->add_flag("--overwrite", train_options.overwrite, "Start anew even where an unfinished run is lost by it");
  train->add_flag("--print", train_options.print, "Show the recipe with every value and stop");
  train->add_flag("--json", train_options.json, "The result as JSON");
  train->add_option("--time-out", train_options.rank.time_out, "Of several processes: seconds until one that stands still is named and all end")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  train->add_option("--communicator", train_options.rank.communicator,
                    "Of several processes: what carries gradients on a GPU; host: the CPU, so that processes can share one GPU")
      ->check(CLI::IsMember({"auto", "host", "nccl"}))
      ->capture_default_str();
  train->callback([&] {
    command = [&] {
      train_options.rank.quiet = quiet;
      train_options.rank.device = device;
      train_options.rank.threads_given = thread_count > 0;
      return run_train(train_options);
    };
  });

  PrepareCommand preparing;
  auto* prepare = app.add_subcommand("prepare", "Look at every picture of a training set and make one file of them, a pack");
  add_example(*prepare, "photos/ -o photos.pack --size 512 --index photos/index.csv");
  prepare->add_option("SOURCE", preparing.source, "Folder of pictures (any nesting, any naming), or a pack")->required();
  prepare->add_option("-o,--out", preparing.out, "Pack to write");
  prepare->add_option("--size", preparing.size, "Store pictures as RGB of this side in pixels, which is fast to load; without it they stay the files they are")
      ->check(CLI::Range(1, 8192));
  prepare->add_option("--index", preparing.index, "CSV with columns file and identity: who is in which picture");
  prepare->add_flag("--unique", preparing.unique, "Leave out files that are another one's copy, byte for byte");
  prepare->add_flag("--inspect", preparing.inspect, "Only report");
  prepare->add_flag("--json", preparing.json, "Report as JSON");
  prepare->callback([&] { command = [&] { preparing.quiet = quiet; return run_prepare(preparing); }; });

  RestoreOptions restore_options;
  auto* restore = app.add_subcommand("restore", "Restore aligned faces");
  add_example(*restore, "photo.png --weights demo -o restored.png");
  add_restore_options(*restore, restore_options);
  restore->callback([&] { command = [&] { restore_options.device = where(); restore_options.quiet = quiet; return run_restore(restore_options); }; });

  auto* list = app.add_subcommand("kernels", "List kernel families, their rows and what each supports");
  add_example(*list, "");
  list->add_flag("--json", json, "As JSON");
  list->add_flag("--resources", resources, "Registers, stack and shared memory of the GPU kernels in this program; exits 4 when one spills");
  list->callback([&] { command = [&] { return resources ? run_kernel_resources(json) : run_kernels(json); }; });

  BenchCommand bench_options;
  auto* bench = app.add_subcommand("bench", "Check and time kernels on this machine against its measured peak and other libraries");
  add_example(*bench, "conv2d_fwd --rows winograd,fast,onednn* --svg roofline.svg");
  bench->add_option("FAMILY", bench_options.families, "Families by name ('*' matches anything), all if none; or: restore, the whole network; or: loading, pictures for training");
  bench->add_option("--rows", bench_options.rows, "Only these rows, e.g. fast,ref ('*' matches anything)")->delimiter(',');
  bench->add_option("--shapes", bench_options.shapes, "Only shapes with this in their name, or a pattern with *");
  bench->add_option("--seconds", bench_options.seconds, "Time for each row and shape, at least")->check(CLI::Range(0.001, 600.0))->capture_default_str();
  bench->add_option("--clock", bench_options.clock, "wall, or cpu: processor time of one thread, for a machine that does other work too")
      ->check(CLI::IsMember({"wall", "cpu"}))->capture_default_str();
  bench->add_option("--dtype", bench_options.dtype, "Of the arrays on a GPU: f32 or bf16")->check(CLI::IsMember({"f32", "bf16"}))->capture_default_str();
  bench->add_flag("--emulate", bench_options.emulate, "Count memory requests, sectors and bank conflicts on the emulated GPU instead (preset simcheck)");
  bench->add_option("--tune", bench_options.tune, "Write the fastest row of each shape there; --kernels @FILE replays it");
  bench->add_option("--json", bench_options.json, "Write the results there as JSON");
  bench->add_option("--csv", bench_options.csv, "Write them there as a table");
  bench->add_option("--svg", bench_options.svg, "Draw the roofline there");
  bench->add_option("--size", bench_options.size, "Pixels of the picture's side, with restore and loading")->capture_default_str();
  bench->add_option("-w,--w", bench_options.w, "Fidelity, with restore")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  bench->add_option("--pictures", bench_options.pictures, "Folder or pack to read, with loading (repeatable)")->allow_extra_args(false);
  bench->add_flag("--layers", bench_options.layers, "Where the time went and what had to be in memory, layer by layer, with restore");
  bench->add_flag("--list", bench_options.list, "Families, their rows and shapes, and which other libraries there are");
  bench->callback([&] { command = [&] {
    bench_options.quiet = quiet;
    for (const CLI::Option* option : bench->get_options())
      if (option->count() > 0) bench_options.given.push_back(option->get_name());
    if (device != "auto" && !bench_options.list) bench_options.device = choose_device(device, true);  // auto stays here
    return run_bench(bench_options);
  }; });

  auto* info = app.add_subcommand("info", "Facts of this build, or of weight files");
  add_example(*info, "demo/codeformer.safetensors");
  info->add_option("FILE", files, "safetensors files and PyTorch checkpoints");
  info->add_flag("--json", json, "As JSON");
  info->callback([&] { command = [&] { return run_info(files, json); }; });

  GradcheckCommand gradients;
  auto* differences = app.add_subcommand("gradcheck", "Gradients of whole networks against finite differences; exits 4 when one differs");
  add_example(*differences, "codeformer");
  differences->add_option("MODEL", gradients.model, "vqgan, codeformer, discriminator, vgg or all");
  differences->add_option("--size", gradients.size, "small, or full: published widths, which takes hours");
  differences->add_option("--seed", gradients.seed, "Of weights, image and directions");
  differences->callback([&] { command = [&] { gradients.device = where(); return run_gradcheck(gradients, std::cout); }; });

  ConvertOptions conversion;
  auto* convert = app.add_subcommand("convert", "PyTorch weights (.pth) to a checkpoint of this program; nothing in the file is executed");
  add_example(*convert, "codeformer.pth codeformer.safetensors");
  convert->add_option("IN", conversion.in, "PyTorch checkpoint, or safetensors of another program")->required();
  convert->add_option("OUT", conversion.out, "safetensors file to write")->required();
  convert->add_flag("--json", json, "Report as JSON");
  convert->callback([&] { command = [&] { conversion.json = json; return run_convert(conversion); }; });

  ParityOptions parity;
  auto* check = app.add_subcommand("parity", "Rebuild every golden case found in a folder and compare; exits 4 when one differs");
  add_example(*check, "tests/golden");
  check->add_option("DIR", parity.dir, "Folder of golden files, searched with its sub-folders")->required();
  check->add_option("--only", parity.only, "Part of \"file/case\", or a pattern with *");
  check->add_option("--except", parity.except, "Leave these cases out; named as with --only, more than once if need be")->allow_extra_args(false);
  check->add_option("--json", parity.json, "Write the results there as JSON");
  check->add_flag("--failures", parity.failures_only, "Print the comparisons that failed, not all");
  check->callback([&] { command = [&] {
    parity.device = where();
    return run_parity(parity, std::cout);
  }; });

  try {
    app.parse(with_sweep_values({argv, argv + argc}));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    throw UsageError(complaint(app, e));
  }
  if (device != "auto") choose_device(device, true);  // a device that is not there stops every command
  if (thread_count > 0) set_threads(thread_count);
  std::optional<bench::TunedKernels> tuned;
  if (kernels.starts_with('@')) tuned.emplace(kernels.substr(1));
  else if (!kernels.empty()) choose_kernels(kernels);
  std::optional<ExactOnly> exact_only;
  if (exact) exact_only.emplace();
  return command();
}

}  // namespace

int main(int argc, char** argv) {
  // A file grown past the system's limit then is an error of the write, with the file's name, instead of a sudden end.
  signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const UsageError& e) {
    fmt::print(stderr, "kintsugi: {}\n", e.what());
    return kUsage;
  } catch (const DeadStageError& e) {
    fmt::print(stderr, "kintsugi: {}\n", e.what());
    return kStageDead;
  } catch (const std::exception& e) {
    fmt::print(stderr, "kintsugi: {}\n", e.what());
    return kFailed;
  }
}
