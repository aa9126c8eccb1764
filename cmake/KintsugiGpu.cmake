# GPU kernels: every kernels/gpu/*.cu is compiled twice into the kernels library. By the C++ compiler, always, for the emulated
# GPU (namespace sim): a .cu cannot be both a C++ and a CUDA source of one folder, so a generated one-line .cpp includes it.
# By nvcc, where it was found, for the real one (namespace cuda).
option(KINTSUGI_CUDA "compile the kernels with nvcc where it is found" ON)

# 90a for wgmma and TMA, which do not carry over to later GPUs; 80 and 89 (and their PTX for GPUs to come) for the rest.
# Must be set before the language is enabled, else CMake chooses one on its own.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 89 90a CACHE STRING "GPU architectures that nvcc compiles for")
endif()
include(CheckLanguage)
check_language(CUDA)
set(KINTSUGI_HAS_CUDA OFF)
if(KINTSUGI_CUDA AND CMAKE_CUDA_COMPILER)
  if(CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
  endif()
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  set(KINTSUGI_HAS_CUDA ON)
endif()

# kintsugi_gpu_sources(target): adds both compilations of gpu/*.cu, below the folder of the caller, to the target.
function(kintsugi_gpu_sources target)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/gpu/*.cu)
  foreach(src ${sources})
    get_filename_component(stem ${src} NAME_WE)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/sim/${stem}.cpp)
    file(CONFIGURE OUTPUT ${file} CONTENT "#include \"${src}\"\n")
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "-Wno-unknown-pragmas")
    target_sources(${target} PRIVATE ${file})
  endforeach()
  if(KINTSUGI_HAS_CUDA)
    target_sources(${target} PRIVATE ${sources})
    # Relaxed constexpr lets kernels call the constexpr functions of kernels/base (bf16, Philox).
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra>)
    target_compile_definitions(${target} PUBLIC KIN_CUDA=1)
    target_link_libraries(${target} PUBLIC CUDA::cudart_static)
    string(REPLACE ";" " " architectures "${CMAKE_CUDA_ARCHITECTURES}")
    set_source_files_properties(base/device_cuda.cpp PROPERTIES COMPILE_DEFINITIONS "KIN_CUDA_ARCHITECTURES=\"${architectures}\"")
  endif()
endfunction()
