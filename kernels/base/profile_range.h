// Names on the time line of NVIDIA's profilers (NVTX): layers, backward passes, phases of a training step. Nothing in builds without CUDA,
// and next to nothing where no profiler listens.
#pragma once

namespace kintsugi {

class ProfileRange {
 public:
  explicit ProfileRange(const char* name);
  ~ProfileRange();
  ProfileRange(const ProfileRange&) = delete;
  ProfileRange& operator=(const ProfileRange&) = delete;
};

}  // namespace kintsugi
