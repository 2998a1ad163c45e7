# Turn the style and the script of the report's page into one C file, so that the program needs no
# other file at run time, and an editor opens them as what they are.
#
#   mien_embed_report(<target>)                                 adds the generated source
#   cmake -DOUT=... -DFOLDER=... -P EmbedReport.cmake           (build-time half)
set(_EMBED_REPORT_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(mien_embed_report target)
    set(out "${CMAKE_CURRENT_BINARY_DIR}/report_texts.c")
    set(folder "${PROJECT_SOURCE_DIR}/src/report")
    add_custom_command(
        OUTPUT "${out}"
        COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DFOLDER=${folder}" -P "${_EMBED_REPORT_SCRIPT}"
        DEPENDS "${folder}/page.css" "${folder}/page.js" "${_EMBED_REPORT_SCRIPT}"
        COMMENT "Embedding the report's style and script"
        VERBATIM)
    target_sources(${target} PRIVATE "${out}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    set(text "/* Generated from src/report by cmake/EmbedReport.cmake; do not edit. */\n#include \"report/parts.h\"\n")
    foreach(pair IN ITEMS "style|page.css" "script|page.js")
        string(REGEX REPLACE "[|].*" "" name "${pair}")
        string(REGEX REPLACE ".*[|]" "" file "${pair}")
        file(READ "${FOLDER}/${file}" hex HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
        string(REPLACE "0x0a," "0x0a,\n    " bytes "${bytes}") # one row per source line
        string(APPEND text "\nconst char mien_report_${name}[] = {\n    ${bytes}0x00\n};\n")
    endforeach()
    file(WRITE "${OUT}" "${text}")
endif()
