// Convolution and its gradients by cuDNN: yardstick and oracle of our own. NHWC, weights OHWI as they are; f32 without TF32, bf16 with tensor cores. The
// algorithm is the first deterministic one that cuDNN's heuristic names and that fits the working memory; where it names none the rows refuse.
#ifdef KIN_CUDNN
#include <cudnn.h>

#include <array>
#include <bit>
#include <map>
#include <optional>
#include <tuple>

#include "kernels/base/device_runtime.h"
#include "kernels/conv2d.h"
#include "kernels/vendor/library.h"

namespace kintsugi::vendor {
namespace {

constexpr size_t kMostWorkspace = size_t(1) << 30;
constexpr int kAlgorithms = 16;

const Library& library() {
  static const char* const names[] = {"libcudnn.so.9", "libcudnn.so", nullptr};
  static const Library cudnn(names);
  return cudnn;
}

void check(cudnnStatus_t s, const char* what) {
  KIN_CHECK(s == CUDNN_STATUS_SUCCESS, "conv2d (cudnn): ", what, ": ", KIN_VENDOR_FUNCTION(library(), cudnnGetErrorString)(s));
}
#define KIN_CUDNN_CALL(name, ...) check(KIN_VENDOR_FUNCTION(library(), name)(__VA_ARGS__), #name)

Handles<cudnnHandle_t>& handles() {
  static Handles<cudnnHandle_t> all;
  return all;
}

cudnnHandle_t handle_on(const Context& context) {
  const cudnnHandle_t handle = handles().get(context.device, [] {
    cudnnHandle_t made = nullptr;
    KIN_CUDNN_CALL(cudnnCreate, &made);
    return made;
  });
  KIN_CUDNN_CALL(cudnnSetStream, handle, static_cast<cudaStream_t>(context.stream));
  return handle;
}

cudnnDataType_t type_of(DType t) { return t == DType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT; }

/// What stands behind the image, from the sizes: cuDNN pads both sides alike.
int64_t behind(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t before) {
  return (out - 1) * stride + (kernel - 1) * dilation + 1 - in - before;
}

/// The four descriptors of one convolution.
class Described {
 public:
  Described(const ConvShape& s, DType dtype) {
    KIN_CUDNN_CALL(cudnnCreateTensorDescriptor, &x);
    KIN_CUDNN_CALL(cudnnCreateTensorDescriptor, &y);
    KIN_CUDNN_CALL(cudnnCreateTensorDescriptor, &bias);
    KIN_CUDNN_CALL(cudnnCreateFilterDescriptor, &w);
    KIN_CUDNN_CALL(cudnnCreateConvolutionDescriptor, &conv);
    const cudnnDataType_t t = type_of(dtype);
    KIN_CUDNN_CALL(cudnnSetTensor4dDescriptor, x, CUDNN_TENSOR_NHWC, t, int(s.n), int(s.c), int(s.h), int(s.w));
    KIN_CUDNN_CALL(cudnnSetTensor4dDescriptor, y, CUDNN_TENSOR_NHWC, t, int(s.n), int(s.o), int(s.out_h), int(s.out_w));
    KIN_CUDNN_CALL(cudnnSetFilter4dDescriptor, w, t, CUDNN_TENSOR_NHWC, int(s.o), int(s.c / s.groups), int(s.kh), int(s.kw));
    KIN_CUDNN_CALL(cudnnSetConvolution2dDescriptor, conv, int(s.top), int(s.left), int(s.stride_h), int(s.stride_w), int(s.dilation_h),
                   int(s.dilation_w), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    KIN_CUDNN_CALL(cudnnSetConvolutionGroupCount, conv, int(s.groups));
    KIN_CUDNN_CALL(cudnnSetConvolutionMathType, conv, dtype == DType::bf16 ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH);
  }
  ~Described() {
    KIN_VENDOR_FUNCTION(library(), cudnnDestroyTensorDescriptor)(x);
    KIN_VENDOR_FUNCTION(library(), cudnnDestroyTensorDescriptor)(y);
    KIN_VENDOR_FUNCTION(library(), cudnnDestroyTensorDescriptor)(bias);
    KIN_VENDOR_FUNCTION(library(), cudnnDestroyFilterDescriptor)(w);
    KIN_VENDOR_FUNCTION(library(), cudnnDestroyConvolutionDescriptor)(conv);
  }
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;

  void describe_bias(int64_t channels, DType dtype) {
    KIN_CUDNN_CALL(cudnnSetTensor4dDescriptor, bias, CUDNN_TENSOR_NHWC, type_of(dtype), 1, int(channels), 1, 1);
  }

  cudnnTensorDescriptor_t x = nullptr, y = nullptr, bias = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t conv = nullptr;
};

int ask(cudnnHandle_t handle, const Described& d, cudnnConvolutionFwdAlgoPerf_t* found) {
  int count = 0;
  KIN_CUDNN_CALL(cudnnGetConvolutionForwardAlgorithm_v7, handle, d.x, d.w, d.conv, d.y, kAlgorithms, &count, found);
  return count;
}
int ask(cudnnHandle_t handle, const Described& d, cudnnConvolutionBwdDataAlgoPerf_t* found) {
  int count = 0;
  KIN_CUDNN_CALL(cudnnGetConvolutionBackwardDataAlgorithm_v7, handle, d.w, d.y, d.conv, d.x, kAlgorithms, &count, found);
  return count;
}
int ask(cudnnHandle_t handle, const Described& d, cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  int count = 0;
  KIN_CUDNN_CALL(cudnnGetConvolutionBackwardFilterAlgorithm_v7, handle, d.x, d.y, d.conv, d.w, kAlgorithms, &count, found);
  return count;
}

/// The first of the heuristic's list that fits and gives the same bits on every run; null: none. Asked once per shape, type and GPU, while the
/// handles' lock is held.
template <class Found>
const Found* algorithm(cudnnHandle_t handle, int device, const ConvShape& s, DType dtype) {
  using Sizes = std::array<int64_t, sizeof(ConvShape) / sizeof(int64_t)>;
  static std::map<std::tuple<Sizes, DType, int>, std::optional<Found>> known;
  const auto [at, fresh] = known.try_emplace({std::bit_cast<Sizes>(s), dtype, device});
  if (fresh) try {
      Found found[kAlgorithms];
      const int count = ask(handle, Described(s, dtype), found);
      for (int i = count; i-- > 0;)
        if (found[i].status == CUDNN_STATUS_SUCCESS && found[i].memory <= kMostWorkspace && found[i].determinism == CUDNN_DETERMINISTIC) at->second = found[i];
    } catch (const Error&) {  // not a convolution that cuDNN knows
    }
  return at->second ? &*at->second : nullptr;
}

/// Asks for the current GPU.
template <class Found>
const char* refuses(const ConvShape& s, DType dtype) {
  if (!library().found()) return "libcudnn.so was not found";
  if (dtype != DType::f32 && dtype != DType::bf16) return "needs f32 or bf16";
  for (const int64_t elements : {s.n * s.h * s.w * s.c, s.n * s.out_h * s.out_w * s.o, s.o * s.kh * s.kw * s.c / s.groups})
    if (elements <= 0 || elements >= int64_t(1) << 31) return "needs tensors of 1 to 2^31 - 1 elements";
  // Fewer rows behind than before are rows that the last window does not reach: within the same output size.
  const int64_t bottom = behind(s.h, s.out_h, s.kh, s.stride_h, s.dilation_h, s.top), right = behind(s.w, s.out_w, s.kw, s.stride_w, s.dilation_w, s.left);
  if (bottom > s.top || bottom <= s.top - s.stride_h || right > s.left || right <= s.left - s.stride_w) return "needs the same padding on both sides";
  Context here{{DeviceKind::cuda, 0}};
  if (cudaGetDevice(&here.device.index) != cudaSuccess) return "no GPU answers";
  std::lock_guard lock(handles().mutex);
  return algorithm<Found>(handle_on(here), here.device.index, s, dtype) ? nullptr : "cuDNN has no deterministic algorithm for it";
}

/// One call of cuDNN, with all that it needs.
template <class Found>
struct Call {
  Call(const Context& context, const ConvShape& s, DType dtype) : handle(handle_on(context)), d(s, dtype) {
    const Found* found = algorithm<Found>(handle, context.device.index, s, dtype);
    KIN_CHECK(found, "conv2d (cudnn): no deterministic algorithm for this convolution");
    best = *found;
    KIN_CUDNN_CALL(cudnnSetConvolutionMathType, d.conv, best.mathType);
    scratch = DeviceBlock(context.device, best.memory, context.stream);
  }
  cudnnHandle_t handle;
  Described d;
  Found best;
  DeviceBlock scratch;
};

const float kOne = 1, kZero = 0;

/// Writes what is added to a result beforehand and returns the factor that keeps it: cuDNN then rounds once, where adding afterwards would round a
/// result in bf16 again. A bias and a residual together are rounded when they are added to each other.
template <class Found>
const float* begin_with(const Context& context, Call<Found>& call, const void* bias, const void* residual, cudnnTensorDescriptor_t as, int64_t pixels,
                        int64_t channels, DType dtype, void* result) {
  if (residual) device_runtime(context.device.kind).copy(result, residual, size_t(pixels * channels) * size_of(dtype), context.stream);
  if (bias) {
    call.d.describe_bias(channels, dtype);
    KIN_CUDNN_CALL(cudnnAddTensor, call.handle, &kOne, call.d.bias, bias, residual ? &kOne : &kZero, as, result);
  }
  return bias || residual ? &kOne : &kZero;
}

}  // namespace

const char* cudnn_refuses_fwd(const Conv2dFwd& a) { return refuses<cudnnConvolutionFwdAlgoPerf_t>(a.shape, a.dtype); }
const char* cudnn_refuses_dgrad(const Conv2dDgrad& a) { return refuses<cudnnConvolutionBwdDataAlgoPerf_t>(a.shape, a.dtype); }
const char* cudnn_refuses_wgrad(const Conv2dWgrad& a) { return refuses<cudnnConvolutionBwdFilterAlgoPerf_t>(a.shape, a.dtype); }

void conv2d_fwd_cudnn(const Context& context, const Conv2dFwd& a) {
  const ConvShape& s = a.shape;
  std::lock_guard lock(handles().mutex);
  Call<cudnnConvolutionFwdAlgoPerf_t> call(context, s, a.dtype);
  const Described& d = call.d;
  const float* keep = begin_with(context, call, a.bias, a.residual, d.y, s.n * s.out_h * s.out_w, s.o, a.dtype, a.y);
  KIN_CUDNN_CALL(cudnnConvolutionForward, call.handle, &kOne, d.x, a.x, d.w, a.w, d.conv, call.best.algo, call.scratch.data(), call.best.memory, keep,
                 d.y, a.y);
}

void conv2d_dgrad_cudnn(const Context& context, const Conv2dDgrad& a) {
  const ConvShape& s = a.shape;
  std::lock_guard lock(handles().mutex);
  Call<cudnnConvolutionBwdDataAlgoPerf_t> call(context, s, a.dtype);
  const Described& d = call.d;
  const float* keep = begin_with(context, call, a.bias, nullptr, d.x, s.n * s.h * s.w, s.c, a.dtype, a.gx);
  KIN_CUDNN_CALL(cudnnConvolutionBackwardData, call.handle, &kOne, d.w, a.w, d.y, a.gy, d.conv, call.best.algo, call.scratch.data(), call.best.memory,
                 keep, d.x, a.gx);
}

void conv2d_wgrad_cudnn(const Context& context, const Conv2dWgrad& a) {
  std::lock_guard lock(handles().mutex);
  Call<cudnnConvolutionBwdFilterAlgoPerf_t> call(context, a.shape, a.dtype);
  Described& d = call.d;
  if (a.gw)
    KIN_CUDNN_CALL(cudnnConvolutionBackwardFilter, call.handle, &kOne, d.x, a.x, d.y, a.gy, d.conv, call.best.algo, call.scratch.data(),
                   call.best.memory, &kZero, d.w, a.gw);
  if (a.gbias) {
    d.describe_bias(a.shape.o, a.dtype);
    KIN_CUDNN_CALL(cudnnConvolutionBackwardBias, call.handle, &kOne, d.y, a.gy, &kZero, d.bias, a.gbias);
  }
}

}  // namespace kintsugi::vendor
#endif
