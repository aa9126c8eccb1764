// What oneDNN rows share: engine, stream and memory.
#pragma once
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "apps/bench/prepared.h"

namespace kintsugi::bench {

inline dnnl::engine& onednn_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// A primitive with its memory in the layouts it prefers. The first reorder brings inputs there, before the time is taken; finish()
/// brings the results back. The number of threads belongs to the thread that runs it, so it is said at every run.
struct OneDnnRun : Prepared {
  dnnl::primitive primitive;
  std::unordered_map<int, dnnl::memory> arguments;
  struct Back {
    dnnl::memory from, to;
  };
  std::vector<Back> back;
  dnnl::stream stream{onednn_engine()};
  int threads;

  explicit OneDnnRun(int n) : threads(n) {}

  dnnl::memory plain(const dnnl::memory::desc& desc, const void* data) { return {desc, onednn_engine(), const_cast<void*>(data)}; }
  /// `data` in `wanted`: the same memory where the layouts agree, else a copy.
  void input(int name, const dnnl::memory::desc& own, const void* data, const dnnl::memory::desc& wanted) {
    dnnl::memory from = plain(own, data);
    if (own == wanted) {
      arguments.emplace(name, from);
      return;
    }
    dnnl::memory to(wanted, onednn_engine());
    reorder(from, to);
    arguments.emplace(name, to);
  }
  void output(int name, const dnnl::memory::desc& own, void* data, const dnnl::memory::desc& wanted) {
    dnnl::memory own_memory = plain(own, data);
    if (own == wanted) {
      arguments.emplace(name, own_memory);
      return;
    }
    dnnl::memory blocked(wanted, onednn_engine());
    arguments.emplace(name, blocked);
    back.push_back({blocked, own_memory});
  }

  void run() override {
    omp_set_num_threads(threads);
    primitive.execute(stream, arguments);
    stream.wait();
  }
  void finish() override {
    for (auto& b : back) reorder(b.from, b.to);
  }

 private:
  void reorder(dnnl::memory& from, dnnl::memory& to) {
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  }
};

}  // namespace kintsugi::bench
