#!/usr/bin/env bash
# A project outside this tree uses the libraries, in both ways that README.md names: FetchContent and add_subdirectory. To stay cheap, the program
# on sofa::rpc is compiled and not linked, and a second one on sofa::base is built whole and run. The build folder is kept for the next run.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
work=$root/build/outside
passed=0 failed=0

# expect NAME COMMAND...: the command succeeds; its output is shown when it does not.
expect() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n%s\n' "$name" "$output"
  fi
}

configure() { cmake -S "$1" -B "$2" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=Debug "${@:3}"; }

# Written only when it changes, so that a second run has nothing to build.
write() { [[ -e $1 && "$(<"$1")" == "$2" ]] || printf '%s\n' "$2" >"$1"; }

mkdir -p "$work"/{fetched,subdirectory}
write "$work/fetched/CMakeLists.txt" "$(<"$root/tests/build/outside/CMakeLists.txt")"
write "$work/fetched/payments.cpp" "$(<"$root/examples/hello/client.cpp")"
write "$work/subdirectory/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)
project(clocks LANGUAGES CXX)
add_subdirectory($root sofa)
sofa_proto_library(shop ROOT $root/tools/protoc-gen-sofa/tests FILES shop.proto)
add_executable(clocks clocks.cpp)
target_link_libraries(clocks PRIVATE sofa::base)"
write "$work/subdirectory/clocks.cpp" '#include "sofa/base/ids.h"
int main() { return sofa::TraceIdSource(sofa::SystemClock::instance(), {10, 0, 0, 1}, 7).next().starts_with("0a000001") ? 0 : 1; }'

expect 'FetchContent configures' configure "$work/fetched" "$work/fetched/build" "-DFETCHCONTENT_SOURCE_DIR_SOFA=$root"
expect 'a program on sofa::rpc compiles' cmake --build "$work/fetched/build" --target CMakeFiles/payments.dir/payments.cpp.o
expect 'add_subdirectory configures' configure "$work/subdirectory" "$work/subdirectory/build"
expect 'a program on sofa::base builds' cmake --build "$work/subdirectory/build" --target clocks
expect 'and runs' "$work/subdirectory/build/clocks"

echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
