#!/usr/bin/env bash
# ./run gpu-pack: everything that a build needs and a machine without a network may lack, in the folder gpu-pack/ (ignored by git):
# headers and static libraries of this distribution's packages, and a line of CMake for each. Copy the working tree with this folder
# to the machine with the GPU and say ./run gpu there.
set -euo pipefail
cd "$(dirname "$0")/.."
pack=gpu-pack
triple=$(g++ -print-multiarch 2>/dev/null || g++ -dumpmachine)
include=$pack/usr/include lib=$pack/usr/lib cmake=$pack/usr/share/cmake
rm -rf "$pack"
mkdir -p "$include" "$lib" "$cmake"

header() {  # header NAME...: a header or a folder of them, from the usual places
  local name from
  for name in "$@"; do
    for from in /usr/include /usr/include/"$triple" /usr/local/include; do
      [ -e "$from/$name" ] || continue
      mkdir -p "$include/$(dirname "$name")"
      cp -rL "$from/$name" "$include/$name"
      continue 2
    done
    echo "gpu-pack: $name is not installed here (./run setup)" >&2
    exit 1
  done
}
static() {
  local name from
  for name in "$@"; do
    for from in /usr/lib/"$triple" /usr/lib /usr/local/lib; do
      [ -e "$from/$name" ] && cp -L "$from/$name" "$lib/$name" && continue 2
    done
    echo "gpu-pack: $name is not installed here (./run setup)" >&2
    exit 1
  done
}
package() {  # package NAME TARGET VERSION [definition]: a config file for a library that is headers only
  mkdir -p "$cmake/$1"
  cat >"$cmake/$1/$1Config.cmake" <<EOF
get_filename_component(prefix "\${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET $2)
  add_library($2 INTERFACE IMPORTED)
  set_target_properties($2 PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "\${prefix}/include;\${prefix}/include/eigen3"
    INTERFACE_COMPILE_DEFINITIONS "${4:-}")
endif()
EOF
  cat >"$cmake/$1/$1ConfigVersion.cmake" <<EOF
set(PACKAGE_VERSION $3)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
EOF
}

header png.h pngconf.h pnglibconf.h zlib.h zconf.h jpeglib.h jmorecfg.h jerror.h jconfig.h
header nlohmann toml++ CLI fmt stb doctest eigen3/Eigen
# NCCL's header comes with the CUDA toolkit or with libnccl-dev, or not at all: the build does without.
for from in /usr/local/cuda/include /usr/include; do
  [ -e "$from/nccl.h" ] && cp -L "$from/nccl.h" "$include/nccl.h" && break
done
static libpng16.a libz.a libjpeg.a
ln -f "$lib/libpng16.a" "$lib/libpng.a"
package nlohmann_json nlohmann_json::nlohmann_json 3.11
package tomlplusplus tomlplusplus::tomlplusplus 3.3
package CLI11 CLI11::CLI11 2.3
package fmt fmt::fmt 9.1 FMT_HEADER_ONLY=1
package Eigen3 Eigen3::Eigen 3.4
package doctest doctest::doctest 2.4
echo "gpu-pack: $(du -sh "$pack" | cut -f1) in $pack/; carry it beside the working tree, then ./run gpu"
