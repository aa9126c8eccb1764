// Eigen's matrix product, compiled for the machine that builds it.
#include <omp.h>

#include <Eigen/Dense>

#include "apps/bench/yardsticks/matmul_form.h"
#include "apps/bench/yardsticks/opponents.h"

namespace kintsugi::bench {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;

std::unique_ptr<Prepared> prepare(const Matmul& args, int threads) {
  return prepared([m = args, threads] {
    Eigen::setNbThreads(threads);
    const View a(static_cast<const float*>(m.a), m.ta ? m.k : m.m, m.ta ? m.m : m.k);
    const View b(static_cast<const float*>(m.b), m.tb ? m.n : m.k, m.tb ? m.k : m.n);
    Eigen::Map<Matrix> c(static_cast<float*>(m.c), m.m, m.n);
    if (m.ta && m.tb) c.noalias() = a.transpose() * b.transpose();
    else if (m.ta) c.noalias() = a.transpose() * b;
    else if (m.tb) c.noalias() = a * b.transpose();
    else c.noalias() = a * b;
  });
}

}  // namespace

Yardstick eigen() {
  return {"eigen", text(EIGEN_WORLD_VERSION, ".", EIGEN_MAJOR_VERSION, ".", EIGEN_MINOR_VERSION), "",
          {yardstick_row<Matmul, refuses_gemm, prepare>("matmul", "eigen", "row-major maps, compiled for this machine")}};
}

}  // namespace kintsugi::bench
