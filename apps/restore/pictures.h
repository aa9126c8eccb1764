// Which pictures go in, and where each result goes.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace kintsugi {

struct PictureJob {
  std::filesystem::path in, out;
  std::string problem;  // why there is nothing to restore, or empty; then `out` is empty too
};

struct PictureSearch {
  std::vector<std::string> inputs;  // files, folders, or patterns with * ? [ ] that the shell left as they are
  std::string out;                  // a folder, or the name of one picture (.png, .jpg, .jpeg, .webp)
  bool recursive = false;           // folders with everything below them; results keep the sub-folders
  std::string ending;               // ".png", ".jpg" or ".webp" for every result; empty: the input's format where that can be written, else PNG
  std::string suffix;               // goes behind the name: "_sweep"
};

/// In the order of the inputs; a folder's pictures by name, whatever their ending. A folder also gives the files that are called
/// like pictures and are none, so that they are reported. Hidden files and the folder of the results are passed over. A folder
/// without pictures, one that cannot be read and a pattern that matches nothing are jobs with a problem.
/// Writes nothing. Throws UsageError when `out` names one picture and several go in, when it has an ending that cannot be written,
/// and when two results would land in one file or one on an input.
std::vector<PictureJob> find_pictures(const PictureSearch& search);

/// Whether a result would be written there under that very name, and not into a folder of that name.
bool names_picture(const std::filesystem::path& out);

}  // namespace kintsugi
