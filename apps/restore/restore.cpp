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

std::vector<Job> jobs_of(const RestoreOptions& o) {
  std::vector<fs::path> inputs;
  for (const auto& in : o.inputs) {
    if (!fs::is_directory(in)) inputs.push_back(in);
    else for (const auto& f : pictures_in(in)) inputs.push_back(f);
  }
  const fs::path out = o.out;
  if (inputs.size() == 1 && out.has_extension() && !fs::is_directory(out)) return {{inputs[0], out}};
  std::vector<Job> jobs;
  std::map<fs::path, fs::path> taken;
  for (const auto& in : inputs) {
    const fs::path target = out / in.stem().concat(".png");
    const auto [slot, fresh] = taken.emplace(target, in);
    if (!fresh) throw UsageError(text(slot->second.string(), " and ", in.string(), " would both be written to ", target.string()));
    jobs.push_back({in, target});
  }
  std::error_code error;
  fs::create_directories(out, error);
  KIN_CHECK(!error, out.string(), ": the folder cannot be made: ", error.message());
  return jobs;
}

}  // namespace

int run_restore(const RestoreOptions& o) {
  if (!(o.w >= 0 && o.w <= 1)) throw UsageError(text("--w must be from 0 to 1, got ", o.w));
  const auto jobs = jobs_of(o);
  const Restorer restorer(o.weights);
  if (!o.quiet) fmt::print(stderr, "restoring {} picture{} on cpu, network {}x{}, w = {}\n", jobs.size(), jobs.size() == 1 ? "" : "s",
                           restorer.network_size(), restorer.network_size(), o.w);
  auto report = nlohmann::ordered_json::array();
  int failures = 0;
  {
    Progress progress("restore", int64_t(jobs.size()), o.quiet);
    for (const auto& job : jobs) {
      const auto start = std::chrono::steady_clock::now();
      nlohmann::ordered_json entry{{"input", job.in.string()}};
      try {
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
  if (o.json) fmt::print("{}\n", report.dump(2));
  else if (!o.quiet) fmt::print(stderr, "{} restored, {} failed\n", jobs.size() - failures, failures);
  return failures == 0 ? kDone : failures == int(jobs.size()) ? kFailed : kSomeFailed;
}

}  // namespace kintsugi
