// What the compiler gave each GPU kernel, read from the machine code inside a program: needs neither a GPU nor NVIDIA's tools.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace kintsugi {

struct KernelResources {
  std::string name;      // demangled, without namespaces and parameters: "softmax_kernel<float, 128>"
  int architecture = 0;  // 90 for sm_90 and sm_90a
  int registers = 0;     // of one thread
  int stack = 0;         // bytes of one thread's stack frame; spilled registers live there
  int shared = 0;        // bytes declared in the kernel; what a launch adds is not known here
};

/// Every kernel of every cubin in the file, by architecture and name. Only uncompressed machine code is seen, which is how
/// cmake/KintsugiGpu.cmake has it stored. Throws Error when the file cannot be read.
std::vector<KernelResources> read_cubins(const std::string& path);

}  // namespace kintsugi
