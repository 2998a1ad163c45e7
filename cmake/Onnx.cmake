# ONNX needs protobuf-c, and its compiler while building; without them `mien export` says so.
#
#   MIEN_ONNX             AUTO: where protobuf-c is found; ON: it must be; OFF: without
#   MIEN_ONNX_FOUND       whether it is built in
#   MIEN_ONNX_EXCLUDE     regular expression: sources of the library that are not to be built
#   MIEN_ONNX_NEEDS       what the library is then linked with; MIEN_ONNX_MODULE: the same for pkg-config
#   mien_add_onnx(<target>)    adds the messages that protoc-c makes of src/export/onnx.proto
set(MIEN_ONNX AUTO CACHE STRING "Export to ONNX through protobuf-c: AUTO, ON or OFF")
set_property(CACHE MIEN_ONNX PROPERTY STRINGS AUTO ON OFF)

set(MIEN_ONNX_FOUND FALSE)
if(MIEN_ONNX)
    pkg_check_modules(PROTOBUF_C QUIET IMPORTED_TARGET libprotobuf-c)
    find_program(PROTOC_C protoc-c)
    if(PROTOBUF_C_FOUND AND PROTOC_C)
        set(MIEN_ONNX_FOUND TRUE)
    elseif(MIEN_ONNX STREQUAL "ON")
        message(FATAL_ERROR "MIEN_ONNX needs libprotobuf-c and protoc-c")
    else()
        message(STATUS "protobuf-c not found: mien export will not write ONNX")
    endif()
endif()
set(MIEN_ONNX_EXCLUDE "/src/export/onnx(_build)?[.]c$")
set(MIEN_ONNX_NEEDS "")
set(MIEN_ONNX_MODULE "")
set(MIEN_ONNX_DEPENDENCY "") # a line for mien-config.cmake
if(MIEN_ONNX_FOUND)
    set(MIEN_ONNX_EXCLUDE "/src/export/onnx_none[.]c$")
    set(MIEN_ONNX_NEEDS PkgConfig::PROTOBUF_C)
    set(MIEN_ONNX_MODULE libprotobuf-c)
    set(MIEN_ONNX_DEPENDENCY
        "pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)")
endif()

function(mien_add_onnx target)
    if(NOT MIEN_ONNX_FOUND)
        return()
    endif()
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/onnx")
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(
        OUTPUT "${folder}/onnx.pb-c.c" "${folder}/onnx.pb-c.h"
        COMMAND ${PROTOC_C} "--c_out=${folder}" "-I${PROJECT_SOURCE_DIR}/src/export" onnx.proto
        DEPENDS "${PROJECT_SOURCE_DIR}/src/export/onnx.proto"
        COMMENT "Making the messages of ONNX"
        VERBATIM)
    set_source_files_properties("${folder}/onnx.pb-c.c" PROPERTIES COMPILE_OPTIONS "-w") # not ours
    target_sources(${target} PRIVATE "${folder}/onnx.pb-c.c" "${folder}/onnx.pb-c.h")
    target_include_directories(${target} SYSTEM PRIVATE "${folder}")
endfunction()
