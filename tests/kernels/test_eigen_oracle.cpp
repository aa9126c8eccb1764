// Matrix products and convolutions against Eigen: a library that shares no line with ours, so that a mistake in `ref`, which everything
// else is compared with, cannot hide.
#include <doctest/doctest.h>

#include <Eigen/Dense>

#include "autograd/ops/conv2d.h"
#include "autograd/ops/matmul.h"
#include "tensor/random.h"

using namespace kintsugi;

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;

Tensor draw(Shape shape, const char* name) { return random_normal(shape, 0.3, 1, 11, name, 0, DType::f64); }
View view(const Tensor& t, int64_t rows, int64_t cols) { return View(t.data<double>(), rows, cols); }

// Relative to the largest element. f64 sums of k products are off by about sqrt(k) 1e-16; f32 ones by sqrt(k) 6e-8.
double error(const Tensor& ours, const Matrix& oracle) {
  const Tensor t = ours.to(DType::f64);
  return (view(t, oracle.rows(), oracle.cols()) - oracle).cwiseAbs().maxCoeff() / oracle.cwiseAbs().maxCoeff();
}

}  // namespace

TEST_CASE("matmul against Eigen: every transpose, f64 and f32") {
  for (const auto& [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {5, 7, 3}, {33, 65, 129}, {100, 31, 250}}) {
    const Tensor a = draw({m, k}, "a"), at = draw({k, m}, "at"), b = draw({k, n}, "b"), bt = draw({n, k}, "bt");
    for (int flags = 0; flags < 4; ++flags) {
      const bool ta = flags & 1, tb = flags & 2;
      const Tensor &x = ta ? at : a, &y = tb ? bt : b;
      const Matrix left = ta ? Matrix(view(at, k, m).transpose()) : Matrix(view(a, m, k));
      const Matrix right = tb ? Matrix(view(bt, n, k).transpose()) : Matrix(view(b, k, n));
      const Matrix oracle = left * right;
      INFO(m, "x", k, " by ", k, "x", n, ta ? " A^T" : "", tb ? " B^T" : "");
      CHECK(error(matmul(x, y, ta, tb).value(), oracle) < 1e-14 * std::sqrt(double(k)));
      CHECK(error(matmul(x.to(DType::f32), y.to(DType::f32), ta, tb).value(), oracle) < 4e-7 * std::sqrt(double(k)));
    }
  }
}

TEST_CASE("convolution against Eigen: patches times weights") {
  const int64_t n = 2, h = 9, w = 7, in = 5, out = 6, kernel = 3;
  for (int stride : {1, 2}) {
    const int64_t oh = (h + 2 - kernel) / stride + 1, ow = (w + 2 - kernel) / stride + 1;
    const Tensor x = draw({n, h, w, in}, "x"), weight = draw({out, kernel, kernel, in}, "w"), bias = draw({out}, "b");
    Matrix patches = Matrix::Zero(n * oh * ow, kernel * kernel * in);
    for (int64_t row = 0; row < patches.rows(); ++row)
      for (int64_t col = 0; col < patches.cols(); ++col) {
        const int64_t y = row / ow % oh * stride + col / in / kernel - 1, xx = row % ow * stride + col / in % kernel - 1;
        if (y >= 0 && y < h && xx >= 0 && xx < w) patches(row, col) = x.item(((row / (oh * ow) * h + y) * w + xx) * in + col % in);
      }
    Matrix oracle = patches * view(weight, out, patches.cols()).transpose();
    oracle.rowwise() += Eigen::Map<const Eigen::RowVectorXd>(bias.data<double>(), out);
    const Conv2dOptions options{.stride = stride, .pad = pad_all(1)};
    CHECK(error(conv2d(x, weight, bias, options).value(), oracle) < 1e-13);
    CHECK(error(conv2d(x.to(DType::f32), weight.to(DType::f32), bias.to(DType::f32), options).value(), oracle) < 4e-6);
  }
}
