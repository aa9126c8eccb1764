# `cmake --install` gives other projects find_package(Kintsugi) with one target per floor, e.g. Kintsugi::models.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
get_property(floors GLOBAL PROPERTY KINTSUGI_FLOORS)
install(TARGETS ${floors} EXPORT KintsugiTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS kintsugi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(floor kernels tensor autograd nn optim data models)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${floor} DESTINATION include/kintsugi FILES_MATCHING PATTERN "*.h")
endforeach()
install(EXPORT KintsugiTargets NAMESPACE Kintsugi:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Kintsugi)
set(find_cuda)
if(KINTSUGI_HAS_CUDA)
  set(find_cuda "find_dependency(CUDAToolkit)")
endif()
configure_package_config_file(cmake/KintsugiConfig.cmake.in KintsugiConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Kintsugi)
write_basic_package_version_file(KintsugiConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/KintsugiConfig.cmake ${CMAKE_BINARY_DIR}/KintsugiConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Kintsugi)
