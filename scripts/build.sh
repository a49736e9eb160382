# shellcheck shell=bash
# Configures and builds the trees build/<preset>, and starts programs from them.
: "${root:?is set by ./dev}"
source "$root/scripts/setup.sh"

presets='release, debug, asan, tsan, fuzz, coverage'

check_preset() { [[ ", $presets, " == *", $1, "* ]] || fail "There is no preset '$1': use one of $presets."; }

# A tree is configured once; ninja itself sees later changes of CMake files, but not of the presets, nor that GoogleTest has come.
needs_configure() {
  local tree=$1 tests=$2
  [[ ! -f $tree/build.ninja || $root/CMakePresets.json -nt $tree/build.ninja ]] && return
  [[ $tests == yes ]] && grep -q '^GTest_DIR:PATH=GTest_DIR-NOTFOUND' "$tree/CMakeCache.txt"
}

# One build at a time in a tree, as ninja has no lock of its own; who must wait says so.
lock_tree() {
  mkdir -p "$1"
  exec {tree_lock}>"$1/.lock"
  flock -n "$tree_lock" && return
  say "Another build works in ${1#"$root"/}: this one waits until it is done."
  flock "$tree_lock"
}

unlock_tree() { exec {tree_lock}>&-; }

# build_tree PRESET SET TARGETS...: installs the set, configures when needed, builds; output on stderr. The lock is given back before this returns.
build_tree() {
  local preset=$1 set=$2 tree=$root/build/$1 tests=yes code=0
  shift 2
  [[ $set != demo ]] || tests=no
  lock_tree "$tree"
  if needs_configure "$tree" "$tests"; then
    ensure_set "$set"
    (cd "$root" && step "configuring build/$preset" cmake --preset "$preset") ||
      fail "CMake refused the tree: mend what it names above, then call this again."
    touch "$tree/build.ninja"
  fi
  run_ninja "$tree" "$@" || code=$?
  unlock_tree
  [[ $code -eq 0 ]] || fail "The build of ${*:-all} (preset $preset) failed: the first error above is the one to mend."
}

# Brings build.ninja and the lists beside it up to date, and builds nothing.
configure_tree() { build_tree "$1" "$2" build.ninja; }

# The programs of a tree that are no tests.
programs_of() { ninja -C "$1" -t targets all | sed -n 's#^bin/\(.*\): CXX_EXECUTABLE_LINKER.*#\1#p' | grep -vE '_test$|^fuzz_' | sort | tr '\n' ' '; }

# On a terminal ninja writes over one line; elsewhere it prints a line a step. "no work to do" is not worth a line.
run_ninja() {
  local tree=$1
  shift
  local command=(ninja -C "$tree" ${JOBS:+-j "$JOBS"} "$@")
  export NINJA_STATUS='[%f/%t %es] '
  if [[ -t 2 ]]; then
    "${command[@]}" >&2
  else
    "${command[@]}" 2>&1 | sed -u -e '/no work to do/d' -e '/^ninja: Entering directory/d' -e '/Re-checking globbed/d' >&2
  fi
}

set_of_preset() {
  case $1 in
    release | debug) echo build ;;
    *) echo sanitize ;;
  esac
}

verb_build() {
  local preset=release targets=() start=$SECONDS set
  while [[ $# -gt 0 ]]; do
    case $1 in
      --preset) need_value "$@" && preset=$2 && shift 2 ;;
      -*) fail "'./dev build' knows only --preset, not '$1': see './dev help'." ;;
      *) targets+=("$1") && shift ;;
    esac
  done
  check_preset "$preset"
  set=$(set_of_preset "$preset")
  ensure_set "$set"
  build_tree "$preset" "$set" "${targets[@]}"
  say "build/$preset is up to date ($((SECONDS - start)) s)."
}

# Refuses a name that the tree has no program of, before anything is built.
check_program() {
  local tree=$root/build/release known
  configure_tree release build
  ninja -C "$tree" -t query "$1" >/dev/null 2>&1 && return
  known=$(programs_of "$tree")
  fail "There is no program '$1': there are ${known% }."
}

verb_run() {
  [[ $# -gt 0 ]] || fail "'./dev run' needs the name of a program: './dev run NAME ARGS...'."
  local name=$1 program=$root/build/release/bin/$1
  shift
  [[ -x $program ]] || check_program "$name"
  build_tree release build "$name"
  [[ -x $program ]] || fail "'$name' was built and is not a program: the programs are in build/release/bin."
  exec "$program" "$@"
}

verb_demo() {
  [[ -f $root/examples/bank/CMakeLists.txt ]] || fail "examples/bank is not in this tree: take a version of the project that has the demo."
  ensure_set demo
  build_tree release demo bank-demo  # and the programs that it starts
  exec "$root/build/release/bin/bank-demo" --folder "$root/build/bank-demo" "$@"
}

verb_clean() {
  rm -rf "$root/build"
  say 'build/ is removed; the compiler cache stays (ccache -C empties it).'
}
