#!/usr/bin/env bash
# A project outside this tree uses the libraries, in both ways that README.md names: FetchContent and add_subdirectory. Each builds a program and runs
# it, on sofa::rpc and on sofa::base. The build folder is kept for the next run.
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

configure() { cmake -S "$1" -B "$2" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_BUILD_TYPE=Debug "${@:3}"; }

# Another compiler, as far as CMake can tell, is refused with the name of the right one.
refuses_another_compiler() {
  local output
  output=$(configure "$1" "$2" "${@:3}" -DCMAKE_CXX_COMPILER_FORCED=ON -DCMAKE_CXX_COMPILER_ID=GNU -DCMAKE_CXX_COMPILER_VERSION=12.2.0 2>&1) && return 1
  echo "$output"
  tr -s ' \n' ' ' <<<"$output" | grep -q 'needs Clang 19 or newer and found GNU .* -DCMAKE_CXX_COMPILER=clang++-19'
}

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
expect 'a program on sofa::rpc builds' cmake --build "$work/fetched/build" --target payments
expect 'and runs' "$work/fetched/build/payments" --help
expect 'another compiler is refused' refuses_another_compiler "$work/fetched" "$work/refused" --fresh "-DFETCHCONTENT_SOURCE_DIR_SOFA=$root"
expect 'add_subdirectory configures' configure "$work/subdirectory" "$work/subdirectory/build"
expect 'a program on sofa::base builds' cmake --build "$work/subdirectory/build" --target clocks
expect 'and runs' "$work/subdirectory/build/clocks"

echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
