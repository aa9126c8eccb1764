#include "apps/restore/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "apps/cli/exit_codes.h"
#include "apps/cli/json_text.h"
#include "apps/cli/progress.h"
#include "apps/cli/stop_signals.h"
#include "apps/restore/pictures.h"
#include "apps/restore/report.h"
#include "apps/restore/restorer.h"
#include "apps/restore/task.h"
#include "autograd/finite_watch.h"
#include "data/batch.h"
#include "data/image_file.h"
#include "data/photo_colours.h"
#include "data/label.h"
#include "kernels/base/elapsed.h"
#include "tensor/atomic_file.h"
#include "tensor/sha256.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

using Status = PictureOutcome::Status;

void check_options(const RestoreOptions& o) {
  const auto check_w = [](const char* option, double w) {
    if (!(w >= 0 && w <= 1)) throw UsageError(text(option, " must be from 0 to 1, got ", w));
  };
  if (o.inputs.empty()) throw UsageError("restore: INPUT is required: a picture, a folder or a pattern in quotes; see kintsugi restore --help");
  if (o.w) check_w("--w", *o.w);
  for (double w : o.sweep) check_w("--sweep-w", w);
  if (!(o.blend > 0 && o.blend <= 1)) throw UsageError(text("--blend must be above 0 and at most 1, got ", o.blend));
  if (o.w && !o.sweep.empty()) throw UsageError("--sweep-w shows several w, --w asks for one; leave one of them out");
  if (o.blend != 1 && !o.sweep.empty()) throw UsageError("--sweep-w shows what w alone does; leave out --blend");
  if (const fs::path folder = fs::path(o.report).parent_path(); !folder.empty() && !fs::is_directory(folder))
    throw UsageError(text("--report ", o.report, ": there is no folder ", folder.string()));
  if (!o.mask.empty() && o.task != "inpaint") throw UsageError(text("--mask belongs to --task inpaint, got --task ", o.task));
}

// Makes a folder with those above it; says whether it was not there before.
bool make_folder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  KIN_CHECK(!error, folder.string(), ": the folder cannot be made: ", error.message());
  return made;
}

class Run {
 public:
  Run(const RestoreOptions& options, const Restorer& restorer, const std::vector<PictureJob>& jobs, std::vector<double> ws, const Image& mask)
      : o_(options), task_(task_of(options.task)), ws_(std::move(ws)), restorer_(restorer), jobs_(jobs), mask_(mask), outcomes_(jobs.size()),
        progress_(options.task, int64_t(jobs.size()), options.quiet) {}

  void all() {
    for (size_t begin = 0; begin < jobs_.size() && !StopSignals::received(); begin += size_t(o_.batch))
      batch(begin, std::min(jobs_.size(), begin + size_t(o_.batch)));
  }
  const std::vector<PictureOutcome>& outcomes() const { return outcomes_; }

 private:
  struct Ready {
    size_t job;
    Photo photo;
    Face face;
  };

  void batch(size_t begin, size_t end) {
    std::vector<Ready> faces;
    for (size_t i = begin; i < end; ++i)
      attempt(i, [&] {
        KIN_CHECK(jobs_[i].problem.empty(), jobs_[i].problem);
        Photo photo = read_photo(jobs_[i].in);
        std::vector<std::string>& notes = outcomes_[i].notes = photo.notes;
        outcomes_[i].width = photo.colour.w, outcomes_[i].height = photo.colour.h;
        if (o_.sweep.empty()) check_fits(photo, format_of_name(jobs_[i].out));
        Face face = prepare(task_, srgb_of(photo, notes), photo.colour.depth, mask_.empty() ? nullptr : &mask_, restorer_.network_size(), restorer_.least_size());
        notes.insert(notes.end(), face.notes.begin(), face.notes.end());
        faces.push_back({i, std::move(photo), std::move(face)});
      });
    if (!faces.empty()) through_network(faces);
    progress_.update(int64_t(end));
  }

  void through_network(std::vector<Ready>& faces) {
    const Elapsed time;
    std::vector<Tensor> results;
    std::string problem;
    const int replays = restorer_.replays();
    try {
      std::vector<Image> seen;
      for (const Ready& r : faces) seen.push_back(r.face.seen);
      results = restorer_(to_tensor(seen), ws_, rules(task_).adain);
    } catch (const std::exception& e) {
      problem = e.what();
    }
    const double share = time.seconds() / double(faces.size());
    for (size_t n = 0; n < faces.size(); ++n) {
      const size_t i = faces[n].job;
      outcomes_[i].seconds += share;
      outcomes_[i].recorded = restorer_.replays() > replays;
      attempt(i, [&] {
        KIN_CHECK(problem.empty(), problem);
        const Image picture = picture_of(faces[n].face, results, int64_t(n));
        if (o_.sweep.empty()) set_srgb(faces[n].photo, faces[n].face.picture, picture, task_ != Task::colorize);
        else faces[n].photo = sheet(picture);
        save(i, faces[n].photo);
      });
    }
  }

  // Picture n of every w, as it is written.
  Image picture_of(const Face& face, const std::vector<Tensor>& results, int64_t n) const {
    std::vector<LabelledImage> columns{{task_ == Task::restore ? "degraded" : "input", face.picture}};
    for (size_t k = 0; k < ws_.size(); ++k) {
      KIN_CHECK(all_finite(results[k].rows(n, n + 1)), "the network's result is not finite; the weights or the input are broken");
      columns.push_back({fmt::format("w={}", ws_[k]), finish(task_, face, to_image(results[k], n), o_.blend)});
    }
    return o_.sweep.empty() ? columns.back().image : labelled_row(columns);
  }

  // A sheet is no photograph any more.
  static Photo sheet(const Image& picture) {
    Photo photo;
    photo.colour = quantised(picture, 8);
    return photo;
  }

  PhotoWriteOptions write_options() const {
    PhotoWriteOptions options{.quality = o_.quality, .note = {}, .software = {}};
    if (!o_.note) return options;
    options.software = "Kintsugi " KIN_VERSION;
    options.note = fmt::format("Made by {} ({}, w = {}): a plausible invention, not evidence", options.software, o_.task, fmt::join(ws_, ", "));
    return options;
  }

  void save(size_t i, const Photo& photo) {
    const StopSignals::Hold whole_file;
    const fs::path& out = jobs_[i].out;
    if (!names_picture(o_.out)) make_folder(out.parent_path());
    const auto lost = write_photo(out, photo, write_options());
    outcomes_[i].notes.insert(outcomes_[i].notes.end(), lost.begin(), lost.end());
    outcomes_[i].status = Status::done;
  }

  // Runs a step of picture i; what it throws is the picture's failure, told at once.
  template <class Step>
  void attempt(size_t i, Step&& step) {
    const Elapsed time;
    try {
      step();
    } catch (const std::exception& e) {
      const std::string path = jobs_[i].in.string(), what = e.what();
      outcomes_[i].status = Status::failed;
      outcomes_[i].error = what.find(path) == std::string::npos ? path + ": " + what : what;
      progress_.say("kintsugi: " + outcomes_[i].error);
    }
    outcomes_[i].seconds += time.seconds();
  }

  const RestoreOptions& o_;
  const Task task_;
  const std::vector<double> ws_;
  const Restorer& restorer_;
  const std::vector<PictureJob>& jobs_;
  const Image& mask_;
  std::vector<PictureOutcome> outcomes_;
  Progress progress_;
};

std::vector<double> ws_of(const RestoreOptions& o) {
  return o.sweep.empty() ? std::vector<double>{o.w.value_or(rules(task_of(o.task)).w)} : o.sweep;
}

void announce(const RestoreOptions& o, const Restorer& restorer, size_t pictures, const std::vector<double>& ws) {
  fmt::print(stderr, "{}: {} picture{} on {}, network {}x{}, w = {}{}\n", o.task, pictures, pictures == 1 ? "" : "s", text(o.device), restorer.network_size(),
             restorer.network_size(), fmt::join(ws, ", "), o.batch > 1 ? fmt::format(", {} at once", o.batch) : "");
}

// A network trained for something else gives pictures all the same, and wrong ones.
std::string mismatch(const RestoreOptions& o, const Restorer& restorer) {
  const std::string& made_for = restorer.published_task();
  return made_for.empty() || made_for == o.task ? "" : text(restorer.path(), " has the sizes of the published network for ", made_for, ", not for ", o.task);
}

}  // namespace

int run_restore(const RestoreOptions& o) {
  check_options(o);
  const std::vector<double> ws = ws_of(o);
  const auto jobs = find_pictures({.inputs = o.inputs, .out = o.out, .recursive = o.recursive, .ending = o.format == "same" ? "" : "." + o.format,
                                   .suffix = o.sweep.empty() ? "" : "_sweep"});
  const Restorer restorer(o.weights, o.device);
  const Image mask = o.mask.empty() ? Image() : read_image(o.mask);
  const bool made = !names_picture(o.out) && make_folder(o.out);
  if (!o.quiet) announce(o, restorer, jobs.size(), ws);
  const std::string doubt = mismatch(o, restorer);
  if (!doubt.empty()) fmt::print(stderr, "kintsugi: warning: {}\n", doubt);

  const StopSignals signals;
  std::vector<PictureOutcome> outcomes;
  {
    Run run(o, restorer, jobs, ws, mask);
    run.all();
    outcomes = run.outcomes();
  }
  const auto count = [&](Status s) { return std::count_if(outcomes.begin(), outcomes.end(), [&](const auto& p) { return p.status == s; }); };
  const auto done = count(Status::done), failed = count(Status::failed), not_started = count(Status::not_started);
  if (!restorer.why_not_recorded().empty() && !o.quiet)
    fmt::print(stderr, "kintsugi: warning: work was not recorded, so every kernel was started by itself: {}\n", restorer.why_not_recorded());
  std::error_code kept;
  if (made && done == 0) fs::remove(o.out, kept);  // only an empty folder goes
  if (o.json || !o.report.empty()) {
    if (!doubt.empty())
      for (auto& p : outcomes) p.notes.push_back(doubt);
    const RunFacts facts{.task = o.task, .device = text(o.device), .weights = restorer.path(), .weights_sha256 = sha256_of_file(restorer.path()),
                         .network_size = restorer.network_size(), .ws = ws, .sweep = !o.sweep.empty(), .blend = o.blend};
    const std::string report = json_text(report_of(jobs, outcomes, facts)) + "\n";
    if (o.json) fmt::print("{}", report);
    if (!o.report.empty()) write_file(o.report, report.data(), report.size());
  }
  const int signal = StopSignals::received();
  if (!o.quiet || signal)
    fmt::print(stderr, "{}{} done, {} failed{}\n", signal ? "stopped by a signal: " : "", done, failed,
               not_started ? fmt::format(", {} not started", not_started) : "");
  if (signal) return exit_code_of_signal(signal);
  return failed == 0 ? kDone : done == 0 ? kFailed : kSomeFailed;
}

}  // namespace kintsugi
