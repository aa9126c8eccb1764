#include "tensor/comm/mpi.h"

#include <dlfcn.h>

#include <filesystem>
#include <thread>

#include "kernels/base/error.h"

namespace kintsugi::comm {

const KinMpi* open_mpi(std::string& reason) {
  std::error_code none;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", none).parent_path();
  reason = "libkintsugi_mpi.so, made where an MPI library was found, is not beside the program";
  for (const auto& folder : {here, here / "../lib/kintsugi"}) {
    const auto file = folder / "libkintsugi_mpi.so";
    if (!std::filesystem::exists(file, none)) continue;
    // Global: Open MPI opens parts of itself that look for its names.
    void* module = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    const auto table = module ? reinterpret_cast<decltype(&kintsugi_mpi)>(dlsym(module, "kintsugi_mpi")) : nullptr;
    if (table) return table();
    reason = dlerror();
  }
  return nullptr;
}

MpiTransport::MpiTransport(const KinMpi& mpi, std::shared_ptr<Health> health) : mpi_(mpi), health_(std::move(health)) {
  char error[512] = "";
  KIN_CHECK(mpi_.begin(&rank_, &size_, error, sizeof error) == 0, "MPI: cannot begin: ", error);
}

MpiTransport::~MpiTransport() {
  // With a rank lost, ending in order would wait for it for ever; the process ends without.
  if (!health_->failed()) mpi_.end();
}

void MpiTransport::exchange(uint64_t operation, const std::vector<Outgoing>& out, const std::vector<Incoming>& in) {
  std::vector<KinMpiPiece> to, from;
  for (const Outgoing& o : out) to.push_back({o.to, const_cast<void*>(o.data), o.bytes, 0});
  for (const Incoming& i : in) from.push_back({i.from, i.data, i.bytes, 0});
  const int tag = int(operation % 32768);  // the least that the standard promises; messages of one sender stay in order
  char error[512] = "";
  const auto check = [&](int code) {
    if (code) health_->broken(text("MPI on rank ", rank_, ": ", error));
  };
  check(mpi_.start(tag, to.data(), int(to.size()), from.data(), int(from.size()), error, sizeof error));
  for (int done = 0, tries = 0; !done; ++tries) {
    check(mpi_.test(&done, error, sizeof error));
    if (done) break;
    health_->check();
    // Short operations are through before the first pause; long ones leave the core to those who compute.
    if (tries < 1000) std::this_thread::yield();
    else std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  for (size_t i = 0; i < in.size(); ++i)
    if (from[i].arrived != in[i].bytes) mismatch(rank_, in[i].from, operation, in[i].bytes, operation, from[i].arrived);
}

}  // namespace kintsugi::comm
