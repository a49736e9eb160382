# Compiler and linker flags of every target; the sanitizer presets add theirs through SOFA_SANITIZE. A warning is an error in this project's own
# builds alone: another project's compiler may know more warnings.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

set(SOFA_SANITIZE "" CACHE STRING "value of -fsanitize=, empty for none")
option(SOFA_FUZZ "build the libFuzzer targets" OFF)
option(SOFA_COVERAGE "instrument for coverage" OFF)

add_compile_options(-Wall -Wextra -Wpedantic $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror> -Wshadow -Wnon-virtual-dtor -fno-omit-frame-pointer -march=x86-64-v2
                    -fpch-instantiate-templates)
add_compile_options("$<$<CONFIG:Release>:-g1>")

if(SOFA_SANITIZE)
  # The vptr check probes memory through a pipe: in a test that has used up the file descriptors it reports sound objects.
  add_compile_options(-fsanitize=${SOFA_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${SOFA_SANITIZE})
endif()
if(SOFA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SOFA_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

# The precompiled header is compiled once; ccache needs its time stamp left out.
set(CMAKE_PCH_INSTANTIATE_TEMPLATES ON)
add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
