// What Linux tells about machine and process in /proc.
#pragma once
#include <cstddef>
#include <string>

namespace kintsugi {

/// What stands behind the colon in the first line that begins with `key`; empty where there is none.
std::string proc_value(const char* file, const std::string& key);

/// Most memory that the process has held since reset_peak_memory(), and what it holds now, in bytes; 0 where the system does not tell.
size_t peak_memory();
size_t memory_now();
/// False where the system does not let a process start its peak again.
bool reset_peak_memory();

}  // namespace kintsugi
