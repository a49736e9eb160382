# sofa_embed(CONTENTS ROWS FILE FIELDS): adds to the variable CONTENTS a C++ array with the bytes of FILE, and to ROWS the line of a table that begins
# with FIELDS and ends with the array; configure_file puts both into a source. The array is named by what it holds, so that a file that changes
# changes the source, which compilers and their caches look at.
function(sofa_embed to_contents to_rows file fields)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(SHA256 ${file} sum)
  string(SUBSTRING ${sum} 0 16 sum)
  set(array "constexpr unsigned char kFile_${sum}[] = {\n#embed \"${file}\"\n};\n")
  string(FIND "${${to_contents}}" "${array}" known)
  if(known EQUAL -1)
    set(${to_contents} "${${to_contents}}${array}" PARENT_SCOPE)
  endif()
  set(${to_rows} "${${to_rows}}    {${fields}, kFile_${sum}},\n" PARENT_SCOPE)
endfunction()
