#!/usr/bin/env bash
# The layer rule of cmake/modules.cmake: tiny trees that break it are refused at configure time, with the names of both modules.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# A tree of three modules, base (ground) <- codec (wire) <- session (transport), that obeys the rule; each case changes one file of it.
make_tree() {
  rm -rf "$work/tree"
  mkdir -p "$work"/tree/src/sofa/{base,codec,session}/detail
  cp -r "$root/cmake" "$work/tree/cmake"
  cat >"$work/tree/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(sample LANGUAGES NONE)
include(cmake/modules.cmake)
foreach(module base codec session)
  add_subdirectory(src/sofa/${module})
endforeach()
CMAKE
  # Only the rule is under test: no compiler is looked for, so the libraries themselves are left out.
  cat >>"$work/tree/cmake/modules.cmake" <<'CMAKE'
function(sofa_add_library)
endfunction()
CMAKE
  echo 'sofa_module(base LAYER ground)' >"$work/tree/src/sofa/base/CMakeLists.txt"
  echo 'sofa_module(codec LAYER wire DEPENDS base)' >"$work/tree/src/sofa/codec/CMakeLists.txt"
  echo 'sofa_module(session LAYER transport DEPENDS codec)' >"$work/tree/src/sofa/session/CMakeLists.txt"
  echo '#include "sofa/base/bytes.h"' >"$work/tree/src/sofa/session/session.h"
}

# expect NAME WORDS...: configuring fails and the message has every word; without words it succeeds.
expect() {
  local name=$1 word output code=0
  shift
  output=$(cmake -G Ninja -S "$work/tree" -B "$work/build" --fresh 2>&1 | tr -s ' \n' ' ') || code=$?
  local good=yes
  [[ ($# -eq 0 && $code -eq 0) || ($# -gt 0 && $code -ne 0) ]] || good=no
  for word in "$@"; do [[ $output == *"$word"* ]] || good=no; done
  if [[ $good == yes ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s: exit code %s, wanted the words: %s\n%s\n' "$name" "$code" "$*" "$output"
  fi
}

make_tree
expect 'a tree that obeys the rule configures'

make_tree
echo 'sofa_module(codec LAYER wire DEPENDS base session)' >"$work/tree/src/sofa/codec/CMakeLists.txt"
expect 'a module declared later is no dependency' "module 'codec' depends on 'session'"

make_tree
echo 'sofa_module(codec LAYER rpc DEPENDS base)' >"$work/tree/src/sofa/codec/CMakeLists.txt"
expect 'a dependency upwards is refused' "module 'session' (transport) depends upwards on 'codec' (rpc)"

make_tree
echo '#include "sofa/codec/detail/table.h"' >"$work/tree/src/sofa/session/session.h"
expect 'a foreign detail is private' "module 'session'" "private to module 'codec'"

make_tree
echo '#include "sofa/session/session.h"' >"$work/tree/src/sofa/codec/detail/table.cpp"
expect 'an include of an undeclared module is refused' "module 'codec'" "sofa/session/session.h"

make_tree
echo 'sofa_module(codec LAYER middle DEPENDS base)' >"$work/tree/src/sofa/codec/CMakeLists.txt"
expect 'an unknown layer is refused' "'middle' is not a layer"

echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
