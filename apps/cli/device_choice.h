// Where a command computes: --device auto, cpu, cuda, cuda:N or sim.
#pragma once
#include <string>

#include "kernels/base/device.h"

namespace kintsugi {

/// "auto" chooses the first GPU when it can be used and every kernel family has rows for it, else the CPU. Unless quiet, one line on
/// stderr says what was chosen and why. Throws UsageError for a name that is none, and Error with the facts (driver, toolkit, architectures)
/// when the device asked for cannot be used.
Device choose_device(const std::string& asked, bool quiet);

/// One line per kind of device: what this build and this machine have.
std::string device_facts();

}  // namespace kintsugi
