# sofa_proto_library(NAME ROOT folder FILES a.proto...): a library of the messages (a.pb.h) and the services (a.sofa.h) of .proto files, whose paths
# and imports are relative to ROOT. In this tree, and in projects that have it or find its package.
function(sofa_proto_library name)
  cmake_parse_arguments(ARG "" "ROOT" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name})
  file(MAKE_DIRECTORY ${out})
  set(sources)
  foreach(file IN LISTS ARG_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h ${out}/${stem}.sofa.h
      COMMAND protobuf::protoc --cpp_out=${out} --sofa_out=${out} --plugin=protoc-gen-sofa=$<TARGET_FILE:sofa::protoc-gen-sofa> -I ${ARG_ROOT}
              ${ARG_ROOT}/${file}
      DEPENDS ${ARG_ROOT}/${file} $<TARGET_FILE:sofa::protoc-gen-sofa>)
    list(APPEND sources ${out}/${stem}.pb.cc ${out}/${stem}.sofa.h)
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC $<BUILD_INTERFACE:${out}>)
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf sofa::rpc)
  target_compile_options(${name} PRIVATE -w)
endfunction()
