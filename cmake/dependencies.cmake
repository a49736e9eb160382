# What the libraries link, one list for two readers: this tree (sofa_find_dependencies), and a project that has found the package (sofaConfig.cmake).
set(sofa_packages "fmt" "spdlog" "Boost 1.81 COMPONENTS json" "yaml-cpp" "OpenSSL 3.0" "Protobuf" "Threads" "ZLIB" "PkgConfig")
# The target PkgConfig::<first word> has the modules behind it.
set(sofa_pkg_config_modules "nghttp2 libnghttp2" "argon2 libargon2" "codings zlib libzstd libbrotlienc libbrotlidec")

macro(sofa_find_dependencies)
  foreach(package IN LISTS sofa_packages)
    separate_arguments(words UNIX_COMMAND "${package}")
    find_package(${words} REQUIRED)
  endforeach()
  foreach(target IN LISTS sofa_pkg_config_modules)
    separate_arguments(words UNIX_COMMAND "${target}")
    list(POP_FRONT words name)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${words})
  endforeach()
endmacro()
