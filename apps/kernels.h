#pragma once

namespace kintsugi {

/// `kintsugi kernels`: every family with its equation and rows, on stdout; as JSON when asked. Returns an exit code.
int run_kernels(bool json);

/// `kintsugi kernels --resources`: registers, stack and shared memory of every GPU kernel in this program, per architecture, from its machine
/// code, with its tensor core and bulk copy instructions. Returns kDone, or kCheckFailed when there is a complaint about one (apps/bench/cubin.h):
/// spilled registers, or a wgmma kernel without HGMMA.
int run_kernel_resources(bool json);

}  // namespace kintsugi
