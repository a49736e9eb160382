# shellcheck shell=bash
# The simulators: `./dev sim raft` runs seeds of tests/sim, on two processes.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

verb_sim() {
  local what=${1:-} sources commit
  [[ $what == raft ]] || fail "There is no simulator '$what': './dev sim raft' is the one."
  shift
  verb_build sim_raft
  # What a seed shows depends on these alone: a campaign that is resumed with others begins anew.
  sources=$(cd "$root" && find src/sofa/base src/sofa/wire/jraft src/sofa/state/log src/sofa/state/raft_core src/sofa/sim tests/sim -type f \
    \( -name '*.h' -o -name '*.cpp' \) -print0 | sort -z | xargs -0 sha256sum | sha256sum)
  commit=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
  exec "$root/build/release/bin/sim_raft" --processes 2 --sources "${sources%% *}" --commit "$commit" "$@"
}
