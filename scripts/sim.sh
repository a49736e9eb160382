# shellcheck shell=bash
# The simulators: `./dev sim raft` runs seeds of tests/sim, on as many cores as there are.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

verb_sim() {
  local what=${1:-}
  [[ $what == raft ]] || fail "There is no simulator '$what': './dev sim raft' is the one."
  shift
  verb_build sim_raft
  exec "$root/build/release/bin/sim_raft" "$@"
}
