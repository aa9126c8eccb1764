#include "apps/restore/command_line.h"

#include <algorithm>

namespace kintsugi {

void add_restore_options(CLI::App& command, RestoreOptions& o) {
  command.add_option("INPUT", o.inputs, "Pictures, folders of pictures, or patterns in quotes ('in/*.jpg')");
  command.add_option("--weights", o.weights, "CodeFormer checkpoint (ours or a .pth), or a run folder")->required();
  command.add_option("-o,--out", o.out, "Folder, or a file name when one picture goes in")->capture_default_str();
  command.add_flag("-r,--recursive", o.recursive, "Folders with everything below them");
  command.add_option("--task", o.task, "What the network was trained for")->check(CLI::IsMember({"restore", "colorize", "inpaint"}))->capture_default_str();
  command.add_option("--mask", o.mask, "inpaint: a picture of the input's size, white where to paint (default: the input's pure white pixels)");
  command.add_option("-w,--w", o.w, "Fidelity: 0 = quality, 1 = closest to the input (default: 0.5; colorize 0, inpaint 1)");
  command.add_option("--sweep-w", o.sweep, "A labelled sheet per picture instead: the input and these w (W,W,...; without a list " + std::string(kDefaultSweep) + ")")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--blend", o.blend, "Share of the result mixed over the input, after the network; not w")->capture_default_str();
  command.add_option("--batch", o.batch, "Faces through the network at once; more memory, same pictures")->check(CLI::Range(1, 256))->capture_default_str();
  command.add_option("--format", o.format, "Of the results: same as the input (BMP, TGA and PNM become PNG), or one for all")
      ->check(CLI::IsMember({"same", "png", "jpg", "webp"}))
      ->capture_default_str();
  command.add_option("--quality", o.quality, "Of JPEG and lossy WebP results")->check(CLI::Range(1, 100))->capture_default_str();
  command.add_flag_callback("--no-note", [&o] { o.note = false; }, "Leave out the remark in the results that they are restored");
  command.add_flag("--json", o.json, "Report per picture on stdout");
  command.add_option("--report", o.report, "Write that report to this file");
}

std::vector<std::string> with_sweep_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto is_list = [](const std::string& word) { return !word.empty() && word.find_first_not_of("0123456789.,") == std::string::npos; };
    const bool bare = arguments[i] == "--sweep-w" && (i + 1 == arguments.size() || !is_list(arguments[i + 1]));
    out.push_back(bare ? arguments[i] + "=" + kDefaultSweep : arguments[i]);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace kintsugi
