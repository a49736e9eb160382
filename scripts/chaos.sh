# shellcheck shell=bash
# Runs real processes under real faults (docs/chaos.md), and judges histories of operations.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

# go_build NAME FOLDER: builds the Go program of a folder. Go's own cache makes a second build take a moment.
go_build() {
  local out=$root/build/chaos/bin/$1 folder=$2
  ensure_go
  mkdir -p "${out%/*}"
  (cd "$root/$folder" && PATH="$venv/bin:$PATH" go build -buildvcs=false -o "$out" .) || fail "$folder does not build: mend what Go names above."
}

verb_lincheck() {
  go_build lincheck tools/lincheck
  exec "$root/build/chaos/bin/lincheck" "$@"
}

# The class path of the Java node, made when one is asked for (--kinds with a j).
java_path() {
  ensure_java
  "$root/tests/interop/java/build.sh" "$root/tests/interop/jraft-java" | tail -n 1
}

verb_chaos() {
  [[ ${1:-} == raft ]] || fail "'./dev chaos' knows one subject, raft: './dev chaos raft --minutes 3'."
  shift
  local release=$root/build/release java=()
  build_tree release build sofa sofa_faults
  go_build lincheck tools/lincheck
  go_build chaos tests/chaos
  if [[ " $* " =~ --kinds[=\ ][c]*j ]]; then java=(--java-path "$(java_path)"); fi
  exec "$root/build/chaos/bin/chaos" raft --folder "$root/build/chaos" --lincheck "$root/build/chaos/bin/lincheck" \
    --faults "$release/lib/libsofa_faults.so" --sofa "$release/bin/sofa" "${java[@]}" "$@"
}
