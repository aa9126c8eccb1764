// What the compiler gave each GPU kernel, read from the machine code inside a program: needs neither a GPU nor NVIDIA's tools.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace kintsugi {

struct KernelResources {
  std::string symbol;    // as the machine code names it
  std::string name;      // demangled, without namespaces and parameters: "softmax_kernel<float, 128>"
  int architecture = 0;  // 90 for sm_90 and sm_90a
  int registers = 0;     // of one thread
  int stack = 0;         // bytes of one thread's stack frame; spilled registers live there
  int shared = 0;        // bytes declared in the kernel; what a launch adds is not known here
  // Instructions in the machine code:
  int local = 0;         // loads and stores of the stack frame
  int hmma = 0, hgmma = 0;         // tensor cores: by a warp, by a warpgroup (wgmma)
  int async_copies = 0, tma_loads = 0;  // cp.async, and the bulk tensor loads of TMA
};

/// Does its name promise what the machine code does not do: "wgmma" without HGMMA, "tma" without bulk tensor loads (from sm_90 on)?
/// Empty, or the complaint. A stack frame is a complaint too, except of kernels named naive.
std::string complaint_about(const KernelResources& kernel);

/// Every kernel of every cubin in the file, by architecture and name. Only uncompressed machine code is seen, which is how
/// cmake/KintsugiGpu.cmake has it stored. Throws Error when the file cannot be read.
std::vector<KernelResources> read_cubins(const std::string& path);

/// The kernel of that symbol as a GPU of this architecture (90 for sm_90) runs it: the newest code that is not newer than the GPU. Null: none.
const KernelResources* find_kernel(const std::vector<KernelResources>& kernels, const std::string& symbol, int architecture);

}  // namespace kintsugi
