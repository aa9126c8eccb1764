// oneDNN's matmul; B, which is the weight in a network, in the layout it asks for.
#include "apps/bench/yardsticks/matmul_form.h"
#include "apps/bench/yardsticks/onednn.h"
#include "apps/bench/yardsticks/opponents.h"

namespace kintsugi::bench {
namespace {

using dnnl::memory;

std::unique_ptr<Prepared> prepare(const Matmul& m, int threads) {
  omp_set_num_threads(threads);
  const auto plain = [](int64_t rows, int64_t cols, bool transposed) {
    return memory::desc({rows, cols}, memory::data_type::f32, transposed ? memory::format_tag::ba : memory::format_tag::ab);
  };
  const auto a = plain(m.m, m.k, m.ta), b = plain(m.k, m.n, m.tb), c = plain(m.m, m.n, false);
  const memory::desc b_any({m.k, m.n}, memory::data_type::f32, memory::format_tag::any);
  const dnnl::matmul::primitive_desc desc(dnnl::matmul::desc(a, b_any, c), onednn_engine());
  auto run = std::make_unique<OneDnnRun>(threads);
  run->primitive = dnnl::matmul(desc);
  run->input(DNNL_ARG_SRC, a, m.a, desc.src_desc());
  run->input(DNNL_ARG_WEIGHTS, b, m.b, desc.weights_desc());
  run->output(DNNL_ARG_DST, c, m.c, desc.dst_desc());
  return run;
}

}  // namespace

std::vector<YardstickRow> onednn_matmul_rows() {
  return {yardstick_row<Matmul, refuses_gemm, prepare>("matmul", "onednn", "B in the layout it asks for, packed before the time")};
}

}  // namespace kintsugi::bench
