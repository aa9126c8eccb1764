# GPU kernels: every kernels/gpu/*.cu is compiled twice into the kernels library. By the C++ compiler, always, for the emulated
# GPU (namespace sim): a .cu cannot be both a C++ and a CUDA source of one folder, so a generated one-line .cpp includes it.
# By nvcc, where it was found, for the real one (namespace cuda).
option(KINTSUGI_CUDA "compile the kernels with nvcc where it is found" ON)

include(CheckLanguage)
check_language(CUDA)
set(KINTSUGI_HAS_CUDA OFF)

# 90a for wgmma and TMA, which do not carry over to later GPUs; 80 and 89 (and their PTX for GPUs to come) for the rest, as far as the
# toolkit knows them. Must be set before the language is enabled, else CMake chooses one on its own. `native` asks the driver, and
# where none answers nvcc would silently compile for something else.
if(CMAKE_CUDA_COMPILER AND NOT CMAKE_CUDA_ARCHITECTURES)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --version OUTPUT_VARIABLE nvcc_says ERROR_QUIET)
  string(REGEX MATCH "release ([0-9.]+)" nvcc_says "${nvcc_says}")
  set(architectures 80)
  if(CMAKE_MATCH_1 VERSION_GREATER_EQUAL 11.8)
    list(APPEND architectures 89)
  endif()
  if(CMAKE_MATCH_1 VERSION_GREATER_EQUAL 12.0)
    list(APPEND architectures 90a)
  endif()
  set(CMAKE_CUDA_ARCHITECTURES ${architectures} CACHE STRING "GPU architectures that nvcc compiles for")
elseif("native" IN_LIST CMAKE_CUDA_ARCHITECTURES)
  execute_process(COMMAND nvidia-smi -L OUTPUT_VARIABLE devices ERROR_QUIET)
  if(NOT devices MATCHES "GPU 0")
    message(FATAL_ERROR "CMAKE_CUDA_ARCHITECTURES=native: no GPU answers (nvidia-smi -L); name the architectures, e.g. 90a")
  endif()
endif()
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
  # Headers only: the libraries are opened at run time (kernels/vendor/library.h).
  find_path(CUBLAS_INCLUDE_DIR cublas_v2.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
endif()

# Loads and stores of emulated kernels can be watched (kernels/simt/access.h): the compiler's calls for ThreadSanitizer, answered
# by the emulator instead of by its library.
option(KINTSUGI_SIM_WATCH "watch the memory accesses of emulated kernels: races, unwritten memory, bank conflicts" OFF)
set(KINTSUGI_WATCH_FLAGS)
if(KINTSUGI_SIM_WATCH)
  if(KINTSUGI_SANITIZE)
    message(FATAL_ERROR "KINTSUGI_SIM_WATCH and KINTSUGI_SANITIZE exclude each other")
  endif()
  set(KINTSUGI_WATCH_FLAGS -DKIN_SIM_WATCH=1 -fsanitize=thread --param=tsan-instrument-func-entry-exit=0 -Wno-tsan)
endif()

# kintsugi_gpu_sources(target): adds both compilations of gpu/*.cu, below the folder of the caller, to the target.
function(kintsugi_gpu_sources target)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/gpu/*.cu)
  foreach(src ${sources})
    get_filename_component(stem ${src} NAME_WE)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/sim/${stem}.cpp)
    file(CONFIGURE OUTPUT ${file} CONTENT "#include \"${src}\"\n")
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "-Wno-unknown-pragmas;${KINTSUGI_WATCH_FLAGS}")
    target_sources(${target} PRIVATE ${file})
  endforeach()
  if(KINTSUGI_SIM_WATCH)  # the emulator itself answers the calls
    file(GLOB emulator CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/simt/*.cpp)
    list(FILTER emulator EXCLUDE REGEX "/test_")
    set_source_files_properties(${emulator} PROPERTIES COMPILE_DEFINITIONS KIN_SIM_WATCH=1)
  endif()
  if(KINTSUGI_HAS_CUDA)
    target_sources(${target} PRIVATE ${sources})
    # Relaxed constexpr lets kernels call the constexpr functions of kernels/base (bf16, Philox).
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra>)
    # Readable by `kintsugi kernels --resources`; compressed it would save little.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--no-compress>)
    # Private: what stands on the kernels compiles to the same objects with and without CUDA.
    target_compile_definitions(${target} PRIVATE KIN_CUDA=1)
    target_include_directories(${target} SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
    target_link_libraries(${target} PUBLIC $<LINK_ONLY:CUDA::cudart_static> ${CMAKE_DL_LIBS})
    foreach(library CUBLAS CUDNN NCCL)
      if(${library}_INCLUDE_DIR)
        target_compile_definitions(${target} PRIVATE KIN_${library}=1)
        target_include_directories(${target} SYSTEM PRIVATE ${${library}_INCLUDE_DIR})
      endif()
    endforeach()
    string(REPLACE ";" " " architectures "${CMAKE_CUDA_ARCHITECTURES}")
    set_source_files_properties(base/device_cuda.cpp PROPERTIES COMPILE_DEFINITIONS "KIN_CUDA_ARCHITECTURES=\"${architectures}\"")
  endif()
endfunction()
