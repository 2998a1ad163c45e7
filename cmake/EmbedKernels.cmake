# Turn kernels/*.cl into one C file with a table of {name, text}.  Pure CMake: no Python needed to build.
# A line `#include "NAME.h"` in a kernel is replaced by kernels/NAME.h (one level), so that editors and
# oclgrind can open the files as they are, and the program needs none of them at run time.  kernels/builtins.h, which
# none of them includes, is a text of its own.
#
#   mien_embed_kernels(<target>)                             adds the generated source
#   cmake -DOUT=... -DFOLDER=... -P EmbedKernels.cmake       (build-time half)
set(_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(mien_embed_kernels target)
    set(out "${CMAKE_CURRENT_BINARY_DIR}/kernel_sources.c")
    file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cl"
        "${PROJECT_SOURCE_DIR}/kernels/*.h")
    add_custom_command(
        OUTPUT "${out}"
        COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DFOLDER=${PROJECT_SOURCE_DIR}/kernels"
            -P "${_EMBED_SCRIPT}"
        DEPENDS ${files} "${_EMBED_SCRIPT}"
        COMMENT "Embedding OpenCL kernels"
        VERBATIM)
    target_sources(${target} PRIVATE "${out}")
endfunction()

# The bytes of a text in hex as those of a C array.
function(mien_bytes out hex)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REPLACE "0x0a," "0x0a,\n    " bytes "${bytes}") # one row per source line
    set(${out} "${bytes}0x00" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    file(GLOB files "${FOLDER}/*.cl")
    list(SORT files)
    set(rows "")
    set(bodies "")
    foreach(file IN LISTS files)
        get_filename_component(name "${file}" NAME_WE)
        file(READ "${file}" hex HEX)
        # Only the names of the included files are looked up in the text itself.
        file(STRINGS "${file}" includes REGEX "^#include \"")
        foreach(line IN LISTS includes)
            string(REGEX REPLACE "^#include \"(.*)\".*$" "\\1" header "${line}")
            file(READ "${FOLDER}/${header}" header_hex HEX)
            string(HEX "${line}" line_hex)
            string(REPLACE "${line_hex}" "${header_hex}" hex "${hex}")
        endforeach()
        mien_bytes(bytes "${hex}")
        string(APPEND bodies "static const char text_${name}[] = {\n    ${bytes}\n};\n\n")
        string(APPEND rows "    { \"${name}\", text_${name} },\n")
    endforeach()
    file(READ "${FOLDER}/builtins.h" hex HEX)
    mien_bytes(bytes "${hex}")
    string(APPEND bodies "const char mien_kernel_builtins[] = {\n    ${bytes}\n};\n\n")
    list(LENGTH files count)
    file(WRITE "${OUT}"
        "/* Generated from the kernels folder by cmake/EmbedKernels.cmake; do not edit. */\n"
        "#include \"cl/program.h\"\n\n${bodies}"
        "const struct mien_kernel_source mien_kernel_sources[] = {\n${rows}};\n"
        "const size_t mien_kernel_source_count = ${count};\n")
endif()
