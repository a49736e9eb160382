# `./dev package`: a Debian package of what install.cmake installs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sofa)
set(CPACK_PACKAGE_CONTACT "SOFAStack for C++ <sofa@example.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "SOFAStack for C++: the program, the libraries and their headers")
set(CPACK_PACKAGE_DESCRIPTION "SOFARPC, REST, gRPC, Dubbo and an application framework in C++. The program
sofa calls, measures and explains services and runs the platform; the
libraries are static and made for Clang 19. A machine that only runs the
platform needs none of the recommended packages.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};sofa;ALL;/;${PROJECT_BINARY_DIR};sofa;system;/")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL OFF)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
# To build with the libraries: what sofaConfig.cmake asks for, and what `sofa new app` uses.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "clang-19, cmake (>= 3.25), ninja-build, pkgconf, protobuf-compiler, libprotobuf-dev, libfmt-dev, libspdlog-dev, libboost1.81-dev, libboost-json1.81-dev, libyaml-cpp-dev, libssl-dev, zlib1g-dev, libnghttp2-dev, libargon2-dev, libzstd-dev, libbrotli-dev, libgtest-dev, libgmock-dev")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/conffiles ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm)
include(CPack)
