#include "apps/restore/pictures.h"

#include <glob.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "data/codec.h"
#include "data/image_file.h"
#include "kernels/base/error.h"

namespace kintsugi {
namespace fs = std::filesystem;
namespace {

// The format that a name's ending asks for, where it can be written.
std::optional<PhotoFormat> asked_for(const fs::path& path) {
  try {
    const PhotoFormat format = format_of_name(path);
    return can_write(format) ? std::optional(format) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_lost_link(const fs::path& path) {
  std::error_code error;
  return fs::is_symlink(path, error) && !fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code absent;
  return fs::is_directory(path, absent);
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  return fs::equivalent(a, b, absent);
}

class Finder {
 public:
  explicit Finder(const PictureSearch& search) : search_(search) {}

  void add(const std::string& input) {
    std::error_code error;
    const bool there = fs::exists(fs::symlink_status(input, error));
    if (there || input.find_first_of("*?[") == std::string::npos) add_path(input);
    else add_pattern(input);
  }

  std::vector<PictureJob> jobs;
  std::vector<fs::path> below;  // of each job: its folder under the input folder, empty for a file

 private:
  void put(const fs::path& in, const fs::path& folder, const std::string& problem = {}) {
    jobs.push_back({in, {}, problem});
    below.push_back(folder);
  }

  void add_path(const fs::path& path) {
    if (!is_folder(path)) return put(path, {});
    const size_t before = jobs.size();
    walk(path, {});
    if (jobs.size() == before)
      put(path, {}, text(path.string(), ": holds no images", search_.recursive ? "" : "; --recursive looks into its folders too"));
  }

  void add_pattern(const std::string& pattern) {
    glob_t found = {};
    const int failed = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
    std::vector<std::string> names(found.gl_pathv, found.gl_pathv + (failed ? 0 : found.gl_pathc));
    ::globfree(&found);
    std::sort(names.begin(), names.end());
    if (names.empty()) put(pattern, {}, text(pattern, ": matches no file"));
    for (const auto& name : names) add_path(name);
  }

  void walk(const fs::path& folder, const fs::path& under) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) entries.push_back(it->path());
    if (error) return put(folder, under, text(folder.string(), ": the folder cannot be read: ", error.message()));
    std::sort(entries.begin(), entries.end());
    for (const auto& path : entries) {
      if (path.filename().string().starts_with(".")) continue;
      const bool deeper = fs::is_directory(path, error);
      if (deeper) {
        // A link to a folder above would never end.
        if (search_.recursive && !fs::is_symlink(path, error) && !same_file(path, search_.out)) walk(path, under / path.filename());
      } else if (fs::status(path, error).type() == fs::file_type::regular ? image_format(path) || called_picture(path)
                                                                          : is_lost_link(path) && called_picture(path)) {
        put(path, under);
      }
    }
  }

  const PictureSearch& search_;
};

fs::path result_name(const PictureSearch& search, const fs::path& in) {
  std::string ending = search.ending;
  if (ending.empty()) {
    std::error_code absent;
    const auto format = fs::is_regular_file(in, absent) ? photo_format(in) : std::nullopt;  // a pipe can be read only once
    const bool spelled = format == PhotoFormat::jpeg && asked_for(in) == format;  // .jpg, .jpeg, .JPG: as the input's name has it
    ending = spelled ? in.extension().string() : kintsugi::ending_of(format.value_or(PhotoFormat::png));
  }
  return in.stem().concat(search.suffix + ending);
}

}  // namespace

bool names_picture(const fs::path& out) { return asked_for(out) && !is_folder(out); }

std::vector<PictureJob> find_pictures(const PictureSearch& search) {
  if (called_picture(search.out) && !asked_for(search.out) && !is_folder(search.out))
    throw UsageError(text("--out ", search.out, ": ", fs::path(search.out).extension().string(), " cannot be written; give a name in .png or .jpg, or a folder"));
  Finder finder(search);
  for (const auto& input : search.inputs) finder.add(input);
  auto& jobs = finder.jobs;
  const bool single = names_picture(search.out);
  if (single && jobs.size() != 1)
    throw UsageError(text("--out ", search.out, " names one picture, but ", jobs.size(), " go in; give a folder"));
  std::map<fs::path, fs::path> taken;
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto& job = jobs[i];
    if (!job.problem.empty()) continue;
    job.out = single ? fs::path(search.out) : fs::path(search.out) / finder.below[i] / result_name(search, job.in);
    const auto [slot, fresh] = taken.emplace(job.out.lexically_normal(), job.in);
    if (!fresh)
      throw UsageError(text(slot->second.string(), " and ", job.in.string(), " would both be written to ", job.out.string()));
  }
  std::set<fs::path> sources;
  std::error_code absent;
  for (const auto& job : jobs) sources.insert(fs::weakly_canonical(job.in, absent));
  for (const auto& job : jobs) {
    if (job.out.empty()) continue;
    if (same_file(job.in, job.out)) throw UsageError(text(job.in.string(), " would be written over itself; give another --out"));
    if (sources.count(fs::weakly_canonical(job.out, absent)))
      throw UsageError(text(job.out.string(), ", the result of ", job.in.string(), ", is also an input; give another --out"));
  }
  return jobs;
}

}  // namespace kintsugi
