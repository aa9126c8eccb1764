// Matrix products by cuBLAS: yardstick and oracle of our own. f32 without TF32, bf16 and f64; sums in f32 (f64).
#ifdef KIN_CUBLAS
#include <cublas_v2.h>

#include "kernels/matmul.h"
#include "kernels/strided_copy.h"
#include "kernels/vendor/library.h"

namespace kintsugi::vendor {
namespace {

const Library& library() {
  static const char* const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so", nullptr};
  static const Library cublas(names);
  return cublas;
}

void check(cublasStatus_t s, const char* what) {
  KIN_CHECK(s == CUBLAS_STATUS_SUCCESS, "matmul (cublas): ", what, ": ", KIN_VENDOR_FUNCTION(library(), cublasGetStatusString)(s));
}

Handles<cublasHandle_t>& handles() {
  static Handles<cublasHandle_t> all;
  return all;
}

// Written out, for the header overloads the name.
using Multiply = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n, int k, const void* alpha, const void* a,
                                cudaDataType type_a, int lda, long long stride_a, const void* b, cudaDataType type_b, int ldb, long long stride_b,
                                const void* beta, void* c, cudaDataType type_c, int ldc, long long stride_c, int batch, cublasComputeType_t,
                                cublasGemmAlgo_t);

cudaDataType_t type_of(DType t) { return t == DType::f32 ? CUDA_R_32F : t == DType::f64 ? CUDA_R_64F : CUDA_R_16BF; }

}  // namespace

const char* cublas_refuses(const Matmul& a) {
  if (!library().found()) return "libcublas.so was not found";
  if (a.bias && a.accumulate) return "adds no bias to what it accumulates";
  return a.dtype == DType::f32 || a.dtype == DType::f64 || a.dtype == DType::bf16 ? nullptr : "needs f32, f64 or bf16";
}

// The bias goes where the product is added to it.
void fill_with_bias(const Context& context, const Matmul& p) {
  StridedCopy copy{p.dtype, p.c, p.bias, {}};
  copy.walk.push(p.stride_c == 0 ? 1 : p.batch, p.stride_c, 0);
  copy.walk.push(p.m, p.n, 0);
  copy.walk.push(p.n, 1, 1);
  copy.walk.coalesce();
  strided_copy(context, copy);
}

// cuBLAS counts by columns: our C = op(A) op(B), read by columns, is C^T = op(B)^T op(A)^T.
void matmul_cublas(const Context& context, const Matmul& p) {
  if (p.m == 0 || p.n == 0) return;
  if (p.bias) fill_with_bias(context, p);
  std::lock_guard lock(handles().mutex);
  const cublasHandle_t handle = handles().get(context.device, [] {
    cublasHandle_t made = nullptr;
    check(KIN_VENDOR_FUNCTION(library(), cublasCreate_v2)(&made), "create a handle");
    return made;
  });
  check(KIN_VENDOR_FUNCTION(library(), cublasSetStream_v2)(handle, static_cast<cudaStream_t>(context.stream)), "choose the stream");
  Multiply* const product = library().function<Multiply>("cublasGemmStridedBatchedEx");
  const cudaDataType_t type = type_of(p.dtype);
  const bool wide = p.dtype == DType::f64, sum = p.stride_c == 0 && p.batch > 1;
  const auto run = [&](int64_t first, int64_t count, bool add) {
    const double one = 1, zero = 0;
    const float one_f = 1, zero_f = 0;
    const void *alpha = wide ? static_cast<const void*>(&one) : &one_f;
    const void *beta = add ? alpha : wide ? static_cast<const void*>(&zero) : &zero_f;
    const auto at = [&](const void* base, int64_t stride) { return static_cast<const char*>(base) + size_t(first * stride) * size_of(p.dtype); };
    check(product(handle, p.tb ? CUBLAS_OP_T : CUBLAS_OP_N, p.ta ? CUBLAS_OP_T : CUBLAS_OP_N, int(p.n), int(p.m), int(p.k), alpha,
                  at(p.b, p.stride_b), type, int(p.tb ? p.k : p.n), p.stride_b, at(p.a, p.stride_a), type, int(p.ta ? p.m : p.k), p.stride_a, beta,
                  const_cast<char*>(at(p.c, p.stride_c)), type, int(p.n), p.stride_c, int(count), wide ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F,
                  CUBLAS_GEMM_DEFAULT),
          "multiply");
  };
  const bool add = p.accumulate || p.bias;
  if (!sum) return run(0, p.batch, add);
  for (int64_t i = 0; i < p.batch; ++i) run(i, 1, i > 0 || add);
}

}  // namespace kintsugi::vendor
#endif
