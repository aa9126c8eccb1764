#include "tensor/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

namespace kintsugi {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t(2) << 20;
constexpr size_t kCommitStep = size_t(64) << 20;
constexpr size_t kLeastReserve = size_t(64) << 20;

size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

}  // namespace

Arena::Arena(size_t wanted) {
  for (size_t size = round_up(wanted, kCommitStep); size >= kLeastReserve; size = round_up(size / 2, kCommitStep)) {
    void* p = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED) {
      base_ = static_cast<char*>(p);
      reserved_ = size;
      break;
    }
    if (size == kLeastReserve) break;
  }
  // Blocks begin on the huge pages' borders, so that those can be used from the first byte on.
  top_ = committed_ = base_ + (round_up(reinterpret_cast<uintptr_t>(base_), kHugePage) - reinterpret_cast<uintptr_t>(base_));
}

Arena::~Arena() {
  if (base_) ::munmap(base_, reserved_);
}

bool Arena::commit(char* end) {
  if (end <= committed_) return true;
  const size_t left = size_t(base_ + reserved_ - committed_), needed = size_t(end - committed_);
  if (needed > left) return false;
  const size_t size = std::min(left, round_up(needed, kCommitStep));
  if (::mprotect(committed_, size, PROT_READ | PROT_WRITE) != 0) return false;
  // Zeroing and mapping 2 MB at a time costs a fraction of 512 single faults. Where there are none, nothing is lost.
  ::madvise(committed_, size, MADV_HUGEPAGE);
  committed_ += size;
  return true;
}

void Arena::add_free(char* at, Stretch s) {
  const auto next = free_.lower_bound(at);
  if (next != free_.end() && at + s.size == next->first) {
    s.size += next->second.size;
    s.backed += next->second.backed;
    remove_free(next);
  }
  const auto after = free_.lower_bound(at);
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second.size == at) {
      at = before->first;
      s.size += before->second.size;
      s.backed += before->second.backed;
      remove_free(before);
    }
  }
  free_.emplace(at, s);
  by_size_.emplace(s.size, at);
  cached_ += s.backed;
}

void Arena::remove_free(Stretches::iterator it) {
  cached_ -= it->second.backed;
  by_size_.erase({it->second.size, it->first});
  free_.erase(it);
}

void* Arena::take(size_t bytes) {
  if (!base_ || bytes > reserved_) return nullptr;
  const size_t size = round_up(std::max<size_t>(bytes, 1), kPage);
  char* at = nullptr;
  if (const auto fit = by_size_.lower_bound({size, nullptr}); fit != by_size_.end()) {
    at = fit->second;
    const auto it = free_.find(at);
    const Stretch s = it->second;
    remove_free(it);
    if (s.size > size) add_free(at + size, {s.size - size, s.backed - std::min(s.backed, size)});
  } else {
    // A free stretch at the end is grown rather than left behind.
    const auto last = free_.empty() ? free_.end() : std::prev(free_.end());
    const bool grows = last != free_.end() && last->first + last->second.size == top_;
    at = grows ? last->first : top_;
    if (!commit(at + size)) return nullptr;
    if (grows) remove_free(last);
    // What lies free elsewhere, in pieces too small, would stay resident beside the new block: a program that grows would hold both.
    // To give it back costs as many pages again as are used again, so a small block does not do it.
    if (cached_ <= 2 * size) trim();
    top_ = at + size;
  }
  taken_.emplace(at, size);
  return at;
}

void Arena::give(void* block) {
  const auto it = taken_.find(block);
  const size_t size = it->second;
  taken_.erase(it);
  add_free(static_cast<char*>(block), {size, size});
}

void Arena::trim() {
  for (auto& [at, s] : free_) {
    if (s.backed) ::madvise(at, s.size, MADV_DONTNEED);
    s.backed = 0;
  }
  cached_ = 0;
}

}  // namespace kintsugi
