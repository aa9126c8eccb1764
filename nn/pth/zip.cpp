#include "nn/pth/zip.h"

#include <algorithm>

namespace kintsugi {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEndRecord = 0x06054b50;
constexpr uint32_t kZip64EndRecord = 0x06064b50, kZip64Locator = 0x07064b50;
constexpr size_t kEndRecordBytes = 22, kLocatorBytes = 20, kMostComment = 0xffff;
constexpr uint64_t kLocalHeaderBytes = 30, kDirectoryEntryBytes = 46;
constexpr uint16_t kEncrypted = 1, kZip64Field = 1;

uint32_t signature_at(Bytes file, size_t at) {
  uint32_t value;
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

// Names are looked up, never opened; one that would leave the archive's folder still says that the file is not what it claims to
// be.
bool is_sane(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != name.npos || name.find('\0') != name.npos) return false;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return true;
}

// Values that do not fit their 32-bit field stand in the ZIP64 extra field, in a fixed order, each only if its field is all ones.
void widen(Bytes extra, std::string_view what, uint64_t& size, uint64_t& stored, uint64_t& offset) {
  const auto saturated = [](uint64_t v) { return v == 0xffffffffu; };
  for (Cursor c(extra, what); c.left() >= 4;) {
    const auto tag = c.number<uint16_t>();
    const auto length = c.number<uint16_t>();
    Cursor field(c.take(length), what);
    if (tag != kZip64Field) continue;
    for (uint64_t* value : {&size, &stored, &offset})
      if (saturated(*value)) *value = field.number<uint64_t>();
    return;
  }
}

}  // namespace

bool ZipArchive::begins(Bytes file) {
  return file.size() >= 4 && (signature_at(file, 0) == kLocalHeader || signature_at(file, 0) == kEndRecord);
}

ZipArchive::ZipArchive(Bytes file, std::string path) : file_(file), path_(std::move(path)) {
  const Directory d = find_directory();
  KIN_CHECK(d.offset <= file_.size() && d.size <= file_.size() - d.offset, path_,
            ": damaged ZIP: its directory lies outside the file");
  KIN_CHECK(d.entries <= d.size / kDirectoryEntryBytes, path_, ": damaged ZIP: a directory of ", d.size, " bytes cannot hold ",
            d.entries, " entries");
  Cursor directory(file_.subspan(size_t(d.offset), size_t(d.size)), path_);
  for (uint64_t i = 0; i < d.entries; ++i) read_entry(directory, d.offset);
}

// The end record is found from behind: only a comment may follow it.
ZipArchive::Directory ZipArchive::find_directory() const {
  KIN_CHECK(file_.size() >= kEndRecordBytes, path_, ": is no ZIP archive (it has ", file_.size(), " bytes)");
  const size_t last = file_.size() - kEndRecordBytes, first = last > kMostComment ? last - kMostComment : 0;
  for (size_t at = last + 1; at-- > first;) {
    if (signature_at(file_, at) != kEndRecord) continue;
    Cursor c(file_, path_, at + 4);
    const auto disk = c.number<uint16_t>(), directory_disk = c.number<uint16_t>();
    const auto entries_here = c.number<uint16_t>(), entries = c.number<uint16_t>();
    const auto size = c.number<uint32_t>(), offset = c.number<uint32_t>();
    const auto comment = c.number<uint16_t>();
    if (c.left() != comment) continue;  // the signature's bytes inside something else
    if (at >= kLocatorBytes && signature_at(file_, at - kLocatorBytes) == kZip64Locator) return zip64_directory(at);
    KIN_CHECK(disk == 0 && directory_disk == 0 && entries_here == entries, path_, ": is one part of a ZIP of several disks");
    return {offset, size, entries};
  }
  fail(path_, ": is a ZIP archive without an end: it is cut short");
}

ZipArchive::Directory ZipArchive::zip64_directory(size_t end_record) const {
  Cursor locator(file_, path_, end_record - kLocatorBytes + 8);
  const auto at = locator.number<uint64_t>();
  KIN_CHECK(at <= file_.size(), path_, ": damaged ZIP: its ZIP64 record lies outside the file");
  Cursor c(file_, path_, size_t(at));
  KIN_CHECK(c.number<uint32_t>() == kZip64EndRecord, path_, ": damaged ZIP: no ZIP64 record at byte ", at);
  c.take(12);  // the record's own size, versions
  const auto disk = c.number<uint32_t>(), directory_disk = c.number<uint32_t>();
  const auto entries_here = c.number<uint64_t>(), entries = c.number<uint64_t>(), size = c.number<uint64_t>(),
             offset = c.number<uint64_t>();
  KIN_CHECK(disk == 0 && directory_disk == 0 && entries_here == entries, path_, ": is one part of a ZIP of several disks");
  return {offset, size, entries};
}

void ZipArchive::read_entry(Cursor& c, uint64_t directory_offset) {
  KIN_CHECK(c.number<uint32_t>() == kDirectoryEntry, path_, ": damaged ZIP: its directory does not hold what it should at byte ",
            directory_offset + c.at() - 4);
  c.take(4);  // versions
  const auto flags = c.number<uint16_t>(), method = c.number<uint16_t>();
  c.take(8);  // time, date, check sum
  uint64_t stored = c.number<uint32_t>(), size = c.number<uint32_t>();
  const auto name_length = c.number<uint16_t>(), extra_length = c.number<uint16_t>(), comment_length = c.number<uint16_t>();
  c.take(8);  // disk, attributes
  uint64_t offset = c.number<uint32_t>();
  const std::string name(c.text(name_length));
  widen(c.take(extra_length), path_, size, stored, offset);
  c.take(comment_length);

  KIN_CHECK(is_sane(name), path_, ": refused: an entry is called '", shown(name), "'");
  KIN_CHECK(!(flags & kEncrypted), path_, ": '", shown(name), "' is encrypted");
  KIN_CHECK(method == 0 && stored == size, path_, ": '", shown(name), "' is compressed (method ", method,
            "); torch.save stores, so this is another kind of archive");
  KIN_CHECK(
      offset <= file_.size() && kLocalHeaderBytes <= file_.size() - offset && signature_at(file_, size_t(offset)) == kLocalHeader,
      path_, ": damaged ZIP: '", shown(name), "' does not stand where the directory says");
  Cursor local(file_, path_, size_t(offset) + 26);
  const uint64_t local_name = local.number<uint16_t>(), local_extra = local.number<uint16_t>();
  local.take(local_name + local_extra);  // their lengths may differ from the directory's: padding for alignment is put there
  KIN_CHECK(size <= local.left(), path_, ": '", shown(name), "' claims ", size, " bytes, ", local.left(),
            " are left: the file is cut short or its directory lies");
  KIN_CHECK(entries_.emplace(name, local.take(size)).second, path_, ": damaged ZIP: '", shown(name), "' occurs twice");
  names_.push_back(name);
}

Bytes ZipArchive::at(const std::string& name) const {
  const auto found = entries_.find(name);
  KIN_CHECK(found != entries_.end(), path_, ": has no entry '", shown(name), "'");
  return found->second;
}

}  // namespace kintsugi
