#include "apps/restore/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/cli/exit_codes.h"
#include "apps/cli/progress.h"
#include "apps/restore/restorer.h"
#include "data/image_file.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

struct Job {
  fs::path in, out;
  std::string problem;  // why there is nothing to restore, or empty
};

// A folder gives its images in name order, whatever their extension; a named file is taken as it is, so that a text
// file called .png is reported and not passed over.
std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& e : fs::directory_iterator(folder))
    if (e.is_regular_file() && image_format(e.path())) files.push_back(e.path());
  std::sort(files.begin(), files.end());
  KIN_CHECK(!files.empty(), folder.string(), ": holds no images");
  return files;
}

bool names_image(const fs::path& path) {
  const fs::path e = path.extension();
  return e == ".png" || e == ".jpg" || e == ".jpeg";
}

// Which picture goes where. Throws UsageError when two would land in one file or one on itself; writes nothing.
std::vector<Job> jobs_of(const RestoreOptions& o) {
  std::vector<Job> jobs;
  for (const auto& in : o.inputs) {
    std::error_code error;
    if (!fs::is_directory(in, error)) {
      jobs.push_back({in, {}, {}});
      continue;
    }
    try {
      for (const auto& f : pictures_in(in)) jobs.push_back({f, {}, {}});
    } catch (const std::exception& e) {
      jobs.push_back({in, {}, e.what()});
    }
  }
  const fs::path out = o.out;
  std::error_code absent;
  const bool single = names_image(out) && !fs::is_directory(out, absent);
  if (single && jobs.size() != 1)
    throw UsageError(text("--out ", o.out, " names one picture, but ", jobs.size(), " go in; give a folder"));
  std::map<fs::path, fs::path> taken;
  for (auto& job : jobs) {
    if (!job.problem.empty()) continue;
    job.out = single ? out : out / job.in.stem().concat(".png");
    const auto [slot, fresh] = taken.emplace(job.out, job.in);
    if (!fresh)
      throw UsageError(text(slot->second.string(), " and ", job.in.string(), " would both be written to ", job.out.string()));
    if (fs::equivalent(job.in, job.out, absent))
      throw UsageError(text(job.in.string(), " would be written over itself; give another --out"));
  }
  return jobs;
}

// Makes the folder of the results; says whether it was not there before.
bool make_folder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  KIN_CHECK(!error, folder.string(), ": the folder cannot be made: ", error.message());
  return made;
}

}  // namespace

int run_restore(const RestoreOptions& o) {
  if (!(o.w >= 0 && o.w <= 1)) throw UsageError(text("--w must be from 0 to 1, got ", o.w));
  const auto jobs = jobs_of(o);
  const Restorer restorer(o.weights, o.device);
  const bool single = jobs.size() == 1 && jobs[0].out == fs::path(o.out);
  const bool made = !single && make_folder(o.out);
  if (!o.quiet) fmt::print(stderr, "restoring {} picture{} on {}, network {}x{}, w = {}\n", jobs.size(), jobs.size() == 1 ? "" : "s", text(o.device),
                           restorer.network_size(), restorer.network_size(), o.w);
  auto report = nlohmann::ordered_json::array();
  int failures = 0;
  {
    Progress progress("restore", int64_t(jobs.size()), o.quiet);
    for (const auto& job : jobs) {
      const auto start = std::chrono::steady_clock::now();
      nlohmann::ordered_json entry{{"input", job.in.string()}};
      try {
        KIN_CHECK(job.problem.empty(), job.problem);
        write_image(job.out, restorer(read_image(job.in), o.w));
        entry["output"] = job.out.string();
      } catch (const Error& e) {
        ++failures;
        const std::string message = std::string(e.what()).find(job.in.string()) == std::string::npos ? text(job.in.string(), ": ", e.what()) : e.what();
        entry["error"] = message;
        fmt::print(stderr, "kintsugi: {}\n", message);
      }
      entry["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      report.push_back(entry);
      progress.update(int64_t(report.size()));
    }
  }
  std::error_code kept;
  if (made && failures == int(jobs.size())) fs::remove(o.out, kept);  // only an empty folder goes
  if (o.json) fmt::print("{}\n", report.dump(2));
  else if (!o.quiet) fmt::print(stderr, "{} restored, {} failed\n", jobs.size() - failures, failures);
  return failures == 0 ? kDone : failures == int(jobs.size()) ? kFailed : kSomeFailed;
}

}  // namespace kintsugi
