# shellcheck shell=bash
# What every verb uses: words to the user, steps with progress. Sourced by ./dev, which sets `root`.
: "${root:?is set by ./dev}"

bold='' red='' plain=''
if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain" >&2; }

# One sentence that says what happened and what to do, then exit code 1.
fail() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# need_value OPTION VALUE...: an option that stands last has no value.
need_value() { [[ $# -ge 2 ]] || fail "The option $1 needs a value: see './dev help'."; }

# step NAME COMMAND...: runs a long command with its output in a log; shows the seconds on a terminal, two plain lines elsewhere.
# On failure shows the end of the log and returns the command's code.
step() {
  local name=$1 log start=$SECONDS code=0 pid end='done'
  shift
  log=$(mktemp "${TMPDIR:-/tmp}/sofa-dev.XXXXXX")
  if [[ -t 2 ]]; then
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r%s (%d s) ' "$name" $((SECONDS - start)) >&2
      sleep 0.5
    done
    wait "$pid" || code=$?
    printf '\r' >&2
  else
    printf '%s ...\n' "$name" >&2
    "$@" >"$log" 2>&1 </dev/null || code=$?
  fi
  [[ $code -eq 0 ]] || end='failed'
  printf '%s: %s, %d s\n' "$name" "$end" $((SECONDS - start)) >&2
  [[ $code -eq 0 ]] || tail -n 25 "$log" >&2
  rm -f "$log"
  return "$code"
}
