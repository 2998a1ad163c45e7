# What `cmake --install` puts where: program, libraries, header, recipes, manual page, completion, and the
# files by which pkg-config and CMake find them again.  Two components, as packages have them: what runs,
# and what others build against.
include(CMakePackageConfigHelpers)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME runtime)
install(TARGETS mien_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS mien_shared EXPORT mien-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT development)
install(TARGETS mien EXPORT mien-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(FILES include/mien.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(DIRECTORY recipes/ DESTINATION ${CMAKE_INSTALL_DATADIR}/mien/recipes USE_SOURCE_PERMISSIONS
    FILES_MATCHING PATTERN "*.yaml" PATTERN "*.sh")
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/mien/models)

# The program writes these texts from its option tables.
foreach(text IN ITEMS "mien.1|man" "mien.bash|completion bash" "_mien|completion zsh"
        "mien.fish|completion fish")
    string(REGEX REPLACE "[|].*" "" file "${text}")
    string(REGEX REPLACE ".*[|]" "" words "${text}")
    separate_arguments(words)
    add_custom_command(OUTPUT "${PROJECT_BINARY_DIR}/${file}"
        COMMAND mien_program ${words} > "${PROJECT_BINARY_DIR}/${file}"
        DEPENDS mien_program
        COMMENT "Writing ${file}"
        VERBATIM)
endforeach()
add_custom_target(mien_texts ALL
    DEPENDS "${PROJECT_BINARY_DIR}/mien.1" "${PROJECT_BINARY_DIR}/mien.bash"
        "${PROJECT_BINARY_DIR}/_mien" "${PROJECT_BINARY_DIR}/mien.fish")
install(FILES "${PROJECT_BINARY_DIR}/mien.1" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES "${PROJECT_BINARY_DIR}/mien.bash" RENAME mien
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES "${PROJECT_BINARY_DIR}/_mien" DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES "${PROJECT_BINARY_DIR}/mien.fish"
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# From the .pc file's folder up to the prefix, so that an installed tree can be moved.
string(REGEX REPLACE "[^/]+" ".." MIEN_PC_UP "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
configure_file(cmake/mien.pc.in mien.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/mien.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/mien)
install(EXPORT mien-targets NAMESPACE mien:: DESTINATION ${package_folder} COMPONENT development)
configure_package_config_file(cmake/mien-config.cmake.in mien-config.cmake
    INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/mien-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/mien-config.cmake"
    "${PROJECT_BINARY_DIR}/mien-config-version.cmake" DESTINATION ${package_folder}
    COMPONENT development)
