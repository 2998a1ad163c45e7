# `cpack --config build/release/CPackConfig.cmake`: two Debian packages, mien (program, shared library,
# recipes, manual) and mien-dev (header, archive, pkg-config and CMake files).  What they depend on is read
# from the binaries by dpkg-shlibdeps (package dpkg-dev).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mien)
set(CPACK_PACKAGE_VENDOR mien)
set(CPACK_PACKAGE_CONTACT "The mien maintainers <maintainers@mien.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}")
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS runtime)

set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME mien)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION science)
# A device of some kind is what it runs on; PoCL makes one of every CPU.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")

set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "${PROJECT_DESCRIPTION} (development files)")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME mien-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# mien.pc and the CMake package name these, for those who link the archive.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "ocl-icd-opencl-dev, libclblast-dev, libpng-dev, \
libjpeg-dev, zlib1g-dev, libcyaml-dev, libyaml-dev, libjansson-dev")
if(MIEN_ONNX_FOUND)
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libprotobuf-c-dev")
endif()

include(CPack)
