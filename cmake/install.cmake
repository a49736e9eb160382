# What `cmake --install` and the package hold: an archive and the public headers of each module (the targets sofa::base, sofa::rpc, sofa::boot ..., and
# sofa::sofa for all of them), sofaConfig.cmake, sofa.pc, the program `sofa`, protoc-gen-sofa, completion and man pages. Everything finds the rest
# relative to itself, so the prefix may be moved. The component `system`, which the package has in addition, is what belongs to /etc and systemd.
#
# Archives by module, and not one of all: a program then names what it uses, and both link the same bytes.
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY sofa_modules)
list(REMOVE_ITEM modules sofa_tool)
set(archives grpc_services_proto ${modules})

add_library(sofa_sofa INTERFACE)
set_target_properties(sofa_sofa PROPERTIES EXPORT_NAME sofa)
target_link_libraries(sofa_sofa INTERFACE ${modules})
add_custom_target(installed DEPENDS sofa sofa-docs protoc-gen-sofa ${archives})

set(package_folder lib/cmake/sofa)
install(TARGETS sofa RUNTIME DESTINATION bin)
install(TARGETS protoc-gen-sofa ${archives} sofa_sofa EXPORT sofaTargets RUNTIME DESTINATION bin ARCHIVE DESTINATION lib INCLUDES DESTINATION include)
install(EXPORT sofaTargets NAMESPACE sofa:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sofaConfig.cmake.in ${PROJECT_BINARY_DIR}/install/sofaConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/sofaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/install/sofaConfig.cmake ${PROJECT_BINARY_DIR}/install/sofaConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake ${CMAKE_CURRENT_LIST_DIR}/proto.cmake DESTINATION ${package_folder})

# For pkg-config; a linker reads archives from left to right, so who needs another stands before it.
set(sofa_archives "")
foreach(archive IN LISTS archives)
  get_target_property(name ${archive} OUTPUT_NAME)
  if(NOT name)
    set(name ${archive})
  endif()
  string(PREPEND sofa_archives "-l${name} ")
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/sofa.pc.in ${PROJECT_BINARY_DIR}/install/sofa.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/install/sofa.pc DESTINATION lib/pkgconfig)

install(CODE "set(SOURCE ${PROJECT_SOURCE_DIR}/src)\nset(DESTINATION \${CMAKE_INSTALL_PREFIX}/include)")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install_headers.cmake)
install(CODE "set(BINARIES ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})\nset(WORK ${PROJECT_BINARY_DIR}/install)")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install_pages.cmake)
foreach(archive IN LISTS archives)
  install(CODE "list(APPEND ARCHIVES \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/$<TARGET_FILE_NAME:${archive}>\")")
endforeach()
install(CODE "execute_process(COMMAND ${CMAKE_STRIP} --strip-debug \${ARCHIVES} COMMAND_ERROR_IS_FATAL ANY)")

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
install(FILES ${packaging}/sofa.service DESTINATION lib/systemd/system COMPONENT system EXCLUDE_FROM_ALL)
install(FILES ${packaging}/sofa.yaml DESTINATION /etc/sofa COMPONENT system EXCLUDE_FROM_ALL)
install(FILES ${packaging}/debian/copyright DESTINATION share/doc/sofa COMPONENT system EXCLUDE_FROM_ALL)
configure_file(${packaging}/debian/changelog ${PROJECT_BINARY_DIR}/install/changelog COPYONLY)
install(CODE "execute_process(COMMAND gzip -9nkf ${PROJECT_BINARY_DIR}/install/changelog COMMAND_ERROR_IS_FATAL ANY)" COMPONENT system EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_BINARY_DIR}/install/changelog.gz DESTINATION share/doc/sofa COMPONENT system EXCLUDE_FROM_ALL)
