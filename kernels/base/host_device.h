// For functions that both the CPU and a GPU kernel call and that cannot be constexpr.
#pragma once

#ifdef __CUDACC__
#define KIN_HOST_DEVICE __host__ __device__
#else
#define KIN_HOST_DEVICE
#endif
