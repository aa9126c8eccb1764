#pragma once

namespace kintsugi {

/// `kintsugi kernels`: every family with its equation and rows, on stdout; as JSON when asked. Returns an exit code.
int run_kernels(bool json);

}  // namespace kintsugi
