# kintsugi_floor(NAME [uses...]): one static library from every .cpp below this folder.
# Sources are globbed, so adding an op or a kernel touches no list.
#
# A file named *.simd.cpp is compiled three times, once per instruction set, each time inside another
# namespace (KIN_SIMD = baseline, avx2, avx512). See kernels/base/simd.h for the rules such a file obeys.
set(KINTSUGI_SIMD_LEVELS baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND KINTSUGI_SIMD_LEVELS avx2 avx512)
endif()
set(KINTSUGI_SIMD_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(KINTSUGI_SIMD_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)

function(kintsugi_simd_sources out)
  set(generated)
  foreach(src ${ARGN})
    get_filename_component(stem ${src} NAME)
    string(REGEX REPLACE "\\.simd\\.cpp$" "" stem ${stem})
    foreach(level ${KINTSUGI_SIMD_LEVELS})
      set(file ${CMAKE_CURRENT_BINARY_DIR}/simd/${stem}_${level}.cpp)
      file(CONFIGURE OUTPUT ${file} CONTENT "#include \"${src}\"\n")
      set_source_files_properties(${file} PROPERTIES
        COMPILE_OPTIONS "${KINTSUGI_SIMD_FLAGS_${level}}"
        COMPILE_DEFINITIONS "KIN_SIMD=${level};KIN_SIMD_${level}=1")
      list(APPEND generated ${file})
    endforeach()
  endforeach()
  set(${out} ${generated} PARENT_SCOPE)
endfunction()

function(kintsugi_floor name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(simd ${sources})
  list(FILTER simd INCLUDE REGEX "\\.simd\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "\\.simd\\.cpp$")
  kintsugi_simd_sources(generated ${simd})
  add_library(kintsugi_${name} STATIC ${sources} ${generated})
  add_library(Kintsugi::${name} ALIAS kintsugi_${name})
  set_target_properties(kintsugi_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(kintsugi_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<INSTALL_INTERFACE:include/kintsugi>)
  target_compile_features(kintsugi_${name} PUBLIC cxx_std_20)
  target_link_libraries(kintsugi_${name} PUBLIC ${ARGN})
  kintsugi_flags(kintsugi_${name})
  set_property(GLOBAL APPEND PROPERTY KINTSUGI_FLOORS kintsugi_${name})
endfunction()

# Warnings and, where asked for, sanitizers: private to our own targets.
function(kintsugi_flags target)
  # -Wrestrict: g++ 12 warns inside std::string operator+ (GCC bug 105651).
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-psabi -Wno-restrict -fno-math-errno -fno-trapping-math>)
  if(KINTSUGI_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${KINTSUGI_SANITIZE} -fno-omit-frame-pointer>)
    target_compile_definitions(${target} PRIVATE KIN_SANITIZE=1)
    target_link_options(${target} PUBLIC -fsanitize=${KINTSUGI_SANITIZE})
    if(KINTSUGI_SANITIZE MATCHES undefined)
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=undefined>)
    endif()
  endif()
endfunction()
