# Makes a C file of report.css and report.js, so that the program carries them, with the SHA-256 that a page's policy names them by.
# cmake -DFOLDER=harness/report -DOUTPUT=FILE -P embed.cmake
set(text "/* Made by embed.cmake. */\n#include \"harness/html_parts.h\"\n\n")
foreach(name css js)
  file(READ ${FOLDER}/report.${name} bytes HEX)
  file(SHA256 ${FOLDER}/report.${name} hash)
  foreach(part bytes hash)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," ${part} "${${part}}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n    " ${part} "${${part}}")
  endforeach()
  string(APPEND text "static const unsigned char ${name}[] = {\n    ${bytes}\n};\n")
  string(APPEND text "const struct html_asset html_${name} = {\n    ${name}, sizeof(${name}),\n    {${hash}}};\n\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
