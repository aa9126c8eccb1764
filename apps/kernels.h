#pragma once

namespace kintsugi {

/// `kintsugi kernels`: every family with its equation and rows, on stdout; as JSON when asked. Returns an exit code.
int run_kernels(bool json);

/// `kintsugi kernels --resources`: registers, stack and shared memory of every GPU kernel in this program, per architecture, from its machine
/// code. Returns kDone, and kCheckFailed when a kernel has a stack frame (spilled registers, or arrays that are not in registers), unless it
/// is one of the naive rows.
int run_kernel_resources(bool json);

}  // namespace kintsugi
