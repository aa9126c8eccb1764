// OpenBLAS's sgemm. It packs both operands in every call, as our row does.
#include <cblas.h>

#include "apps/bench/yardsticks/matmul_form.h"
#include "apps/bench/yardsticks/opponents.h"

namespace kintsugi::bench {
namespace {

std::unique_ptr<Prepared> prepare(const Matmul& args, int threads) {
  return prepared([m = args, threads] {
    openblas_set_num_threads(threads);
    cblas_sgemm(CblasRowMajor, m.ta ? CblasTrans : CblasNoTrans, m.tb ? CblasTrans : CblasNoTrans, blasint(m.m), blasint(m.n), blasint(m.k), 1,
                static_cast<const float*>(m.a), blasint(m.ta ? m.m : m.k), static_cast<const float*>(m.b), blasint(m.tb ? m.k : m.n), 0,
                static_cast<float*>(m.c), blasint(m.n));
  });
}

}  // namespace

Yardstick openblas() {
  return {"openblas", text(openblas_get_config()), "", {yardstick_row<Matmul, refuses_gemm, prepare>("matmul", "openblas", "sgemm")}};
}

}  // namespace kintsugi::bench
