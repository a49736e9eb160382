# shellcheck shell=bash
# Runs the tests, soaks, benchmarks and fuzz targets, and counts what they say.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"
source "$root/scripts/console.sh"

passed=0 failed=0 skipped=0
test_jobs=${SOFA_TEST_JOBS:-2}
test_timeout=${SOFA_TEST_TIMEOUT:-300}

count_lines() { grep -cE "$1" "$2" || true; }

# count_output LOG CODE: adds what a runner said (GoogleTest, pytest, or the plain "N passed, M failed, K skipped") to the sums. A runner that
# failed without a failed test (crash, time limit, nothing collected) counts as one failure; one that says no numbers is one test.
count_output() {
  local log=$1 code=$2 p=0 f=0 s=0 summary
  if grep -q '^\[==========\]' "$log"; then
    p=$(count_lines '^\[       OK \].* \([0-9]+ ms\)$' "$log")
    f=$(count_lines '^\[  FAILED  \].* \([0-9]+ ms\)$' "$log")
    s=$(count_lines '^\[  SKIPPED \].* \([0-9]+ ms\)$' "$log")
  else
    summary=$(grep -E '(^|[ =])[0-9]+ (passed|failed|skipped|error)' "$log" | tail -n 1 || true)
    p=$(number_before passed "$summary") s=$(number_before skipped "$summary")
    f=$(($(number_before failed "$summary") + $(number_before errors? "$summary")))
    [[ -n $summary || $code -ne 0 ]] || p=1
  fi
  [[ $code -eq 0 || $f -gt 0 ]] || f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  last_count="$p passed, $f failed, $s skipped"
}

number_before() {
  local found
  found=$(grep -oE "[0-9]+ $1" <<<"$2" | tail -n 1 || true)
  found=${found%% *}
  echo "${found:-0}"
}

# The unit tests of a tree: CMake writes a line "name|folder|command" each; tests/build holds those of the build itself.
unit_tests() {
  local tree=$1 script
  cat "$tree/unit_tests.txt"
  for script in "$root"/tests/build/*_test.sh; do
    [[ ! -e $script ]] || echo "$(basename "$script" .sh)|$root|bash $script"
  done
}

# name_matches TEST NAME: a name means a program, a module (hessian, wire/hessian) or one of several tests in a module; an empty one every test.
name_matches() {
  local test=$1 wanted=${2//[\/-]/_}
  [[ -z $wanted || $test == "$wanted" || $test == "${wanted}_test" || $test == "sofa_${wanted}_test" || $test == sofa_*"_${wanted}_test" ||
    $test == *"_${wanted}_"* ]]
}

# What a name or a path under src, examples, tools or tests/build means: src/sofa/wire/bolt/tests/frame_test.cpp is the module wire/bolt.
test_name() {
  local name=$1
  if [[ -e $root/$name ]]; then
    case $name in
      tests/build/*) name=${name##*/} && name=${name%.sh} ;;
      *) name=${name#src/sofa/} && name=${name#examples/} && name=${name#tools/} && name=${name%%/tests/*} && name=${name%/tests} && name=${name%/} ;;
    esac
  fi
  echo "$name"
}

# matching_tests TREE NAME: the lines of the unit tests that a name means.
matching_tests() {
  local line wanted
  wanted=$(test_name "$2")
  while IFS= read -r line; do
    ! name_matches "${line%%|*}" "$wanted" || echo "$line"
  done < <(unit_tests "$1")
}

run_unit_test() {
  local name=$1 folder=$2 line=$3 logs=$4 code=0 start=$SECONDS limit=$test_timeout
  [[ $line != 'bash '* ]] || limit=$((3 * test_timeout))  # those of the build itself compile whole libraries
  # The command is a program and its arguments, written by our own CMake files without spaces in them.
  # shellcheck disable=SC2086
  (cd "$folder" && exec timeout -k 5 "$limit" $line) >"$logs/$name.log" 2>&1 </dev/null || code=$?
  [[ $code -ne 124 ]] || echo "stopped after $limit s: SOFA_TEST_TIMEOUT sets the limit" >>"$logs/$name.log"
  echo "$code $((SECONDS - start))" >"$logs/$name.code"
}

report_unit_test() {
  local name=$1 logs=$2 code seconds
  read -r code seconds <"$logs/$name.code"
  count_output "$logs/$name.log" "$code"
  echo "$name: $last_count, $seconds s"
  [[ $code -eq 0 ]] || { echo "--- output of $name (exit code $code)" && tail -n 200 "$logs/$name.log" && echo "--- end of $name"; }
}

# run_unit TREE: runs the tests whose lines come on standard input.
run_unit() {
  local tree=$1 logs=$1/test-logs name folder command running=0 names=() reported
  rm -rf "$logs"
  mkdir -p "$logs"
  while IFS='|' read -r name folder command <&3; do
    names+=("$name")
    if [[ $running -ge $test_jobs ]]; then
      wait -n || true
      running=$((running - 1))
    fi
    run_unit_test "$name" "$folder" "$command" "$logs" &
    running=$((running + 1))
  done 3<&0
  wait
  for reported in "${names[@]}"; do report_unit_test "$reported" "$logs"; done
}

# ensure_peers PATH: what the tests of a folder run beside our programs.
ensure_peers() {
  local path=$1
  case $path in
    tests/chaos*) ensure_go && return ;;
    tests/e2e*) ensure_http_clients && ensure_shells && ensure_faketime && ensure_go && ensure_set package ;;
    *) ensure_http_clients && ensure_prometheus && ensure_java ;;
  esac
  [[ -z $(find "$root/$path" -name go.mod -print -quit) ]] || ensure_go
  [[ -z $(find "$root/$path" -name package-lock.json -print -quit) ]] || ensure_node
}

# run_pytest TREE PATH: the tests find the programs through SOFA_BIN.
run_pytest() {
  local tree=$1 path=$2 log=$1/test-logs/pytest-${2##*/}.log code=0
  compgen -G "$root/$path*" >/dev/null && grep -rqE '^(async )?def test_|^class Test' --include='*.py' "$root/$path" || return 0
  ensure_python
  ensure_peers "$path"
  mkdir -p "$tree/test-logs"
  say "pytest $path"
  (cd "$root" && PATH="$venv/bin:$PATH" SOFA_BIN="$tree/bin" timeout -k 20 "${SOFA_PYTEST_TIMEOUT:-1800}" \
    "$venv/bin/python" -m pytest -q -ra -p no:cacheprovider "$path") </dev/null 2>&1 | tee "$log" || code=$?
  count_output "$log" "$code"
  echo "$path: $last_count"
}

# The console: console/dist is what its sources make, and does what it should in a browser, with made-up data and with a platform on which the bank
# runs.
run_console() {
  local tree=$1 log=$1/test-logs/console.log code=0
  mkdir -p "${log%/*}"
  say 'console'
  ensure_chromium
  (check_console && use_console_node && SOFA_BIN=$tree/bin exec timeout -k 5 "$((4 * test_timeout))" node "$root/tests/console/run.mjs") </dev/null 2>&1 | tee "$log" || code=$?
  count_output "$log" "$code"
  echo "tests/console: $last_count"
}

soaks() { find "$root/tests/soak" -maxdepth 1 -type f -executable -printf '%f\n' | sort | tr '\n' ' '; }

check_soak() {
  local known
  known=$(soaks)
  [[ " $known" == *" $1 "* ]] || fail "There is no soak '$1': there are ${known% }."
}

run_soak() {
  local tree=$1 name=$2 script=$root/tests/soak/$2 code=0
  [[ $name != package ]] || ensure_packages 'a bare machine that gets the package, and what judges it' debootstrap curl lintian
  [[ $name != raft ]] || { ensure_python && ensure_java; }
  mkdir -p "$tree/test-logs"
  PATH="${venv:+$venv/bin:}$PATH" SOFA_BIN="$tree/bin" "$script" </dev/null 2>&1 | tee "$tree/test-logs/soak-$name.log" || code=$?
  count_output "$tree/test-logs/soak-$name.log" "$code"
}

# Sanitizer reports need the symbolizer of the compiler's version.
sanitizer_settings() {
  export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
  export TSAN_OPTIONS="external_symbolizer_path=/usr/bin/llvm-symbolizer-19 ${TSAN_OPTIONS:-}"
  export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
}

# Prints the sums alone on the last line; nothing run is a failure too.
close_tests() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 && $((passed + skipped)) -gt 0 ]]
}

# test_everything PRESET KINDS: all tests of these kinds.
test_everything() {
  local preset=$1 kinds=$2 tree=$root/build/$1
  verb_build --preset "$preset"
  if [[ $kinds == *unit* ]]; then
    ensure_set lint
    run_unit "$tree" < <(unit_tests "$tree")
  fi
  [[ $kinds != *interop* ]] || run_pytest "$tree" tests/interop
  [[ $kinds != *e2e* ]] || run_pytest "$tree" tests/e2e
  [[ $kinds != *chaos* ]] || run_pytest "$tree" tests/chaos
  [[ $kinds != *console* ]] || run_console "$tree"
}

# test_names PRESET NAMES...: only these. A name that means nothing is refused before anything is built; of unit tests only their own targets are.
test_names() {
  local preset=$1 tree=$root/build/$1 name found lines='' paths=() targets=() browser=no
  shift
  configure_tree "$preset" "$(set_of_preset "$preset")"
  for name in "$@"; do
    if [[ ${name%/} == tests/console ]]; then
      browser=yes
      continue
    fi
    if [[ $name == tests/* && $name != tests/build/* && -e $root/$name ]]; then
      paths+=("${name%/}")
      continue
    fi
    found=$(matching_tests "$tree" "$name")
    [[ -n $found ]] || fail "No test is called '$name': name a module (base, wire/bolt), a program (bank_test), or a file or folder under src or tests."
    lines+=$found$'\n'
  done
  lines=$(sort -u <<<"$lines" | sed '/^$/d')
  mapfile -t targets < <(sed -n '/|bash /!s/|.*//p' <<<"$lines")
  [[ $lines != *'|bash '* ]] || ensure_set lint
  if [[ ${#paths[@]} -gt 0 ]]; then
    verb_build --preset "$preset"
  elif [[ ${#targets[@]} -gt 0 ]]; then
    verb_build --preset "$preset" "${targets[@]}"
  fi
  [[ -z $lines ]] || run_unit "$tree" <<<"$lines"
  for name in "${paths[@]}"; do run_pytest "$tree" "$name"; done
  [[ $browser == no ]] || { verb_build --preset "$preset" "${console_programs[@]}" && run_console "$tree"; }
}

verb_test() {
  local preset=release names=() kinds='' soak=''
  while [[ $# -gt 0 ]]; do
    case $1 in
      --preset) need_value "$@" && preset=$2 && shift 2 ;;
      --soak) need_value "$@" && soak=$2 && shift 2 ;;
      --unit | --interop | --e2e | --chaos | --console) kinds+=" $1" && shift ;;
      -*) fail "'./dev test' does not know $1: see './dev help'." ;;
      *) names+=("$1") && shift ;;
    esac
  done
  [[ -z ${names[*]} || -z $kinds$soak ]] || fail "'./dev test' takes names or$kinds${soak:+ --soak}, not both: leave '${names[*]}' or the option out."
  [[ -z $kinds || -z $soak ]] || fail "'./dev test' takes$kinds or --soak, not both: call it once for each."
  check_preset "$preset"
  [[ -z $soak ]] || check_soak "$soak"
  sanitizer_settings
  if [[ -n $soak ]]; then
    verb_build --preset "$preset"
    run_soak "$root/build/$preset" "$soak"
  elif [[ ${#names[@]} -gt 0 ]]; then
    test_names "$preset" "${names[@]}"
  else
    test_everything "$preset" "${kinds:-unit interop e2e chaos console}"
  fi
  close_tests
}

# The minutes that a benchmark takes on a quiet machine: its script has a line "Takes about N min".
minutes_of() { sed -n 's/.*Takes about \([0-9]*\) min.*/\1/p' "$root/bench/$1/run" | head -n 1; }

# One benchmark, or all of them in one run: each prints its table, and those that miss a bar are named at the end.
verb_bench() {
  local name=${1:-} known missed=() minutes=0
  known=$(find "$root/bench" -mindepth 2 -maxdepth 2 -name run -executable -printf '%h\n' | sed 's#.*/##' | sort | tr '\n' ' ')
  [[ -z $name || " $known" == *" $name "* ]] || fail "There is no benchmark '$name': there are ${known% }."
  ensure_set bench
  command -v python3 >/dev/null || ensure_packages 'to run the benchmarks' python3
  ensure_java
  if [[ -n $(find "$root/bench/$name" -name go.mod -print -quit) ]]; then
    ensure_go
    PATH=$venv/bin:$PATH
  fi
  if [[ -n $name ]]; then
    shift
    say "bench $name: about $(minutes_of "$name") min on a quiet machine, and its build"
    exec "$root/bench/$name/run" "$@"
  fi
  for name in $known; do minutes=$((minutes + $(minutes_of "$name"))); done
  say "benchmarks ${known% }: about $minutes min on a quiet machine, and their build"
  for name in $known; do
    say "bench $name"
    "$root/bench/$name/run" || missed+=("$name")
    echo
  done
  [[ ${#missed[@]} -eq 0 ]] || fail "These missed a bar or failed: ${missed[*]}. Their last lines above say which."
}

# fuzz_one NAME SECONDS: new inputs go to build/fuzz/corpus, findings to build/fuzz/findings; the corpus in the tree is only read.
fuzz_one() {
  local name=$1 seconds=$2 tree=$root/build/fuzz code=0 log runs
  log=$tree/fuzz-$name.log
  mkdir -p "$tree/corpus/$name" "$tree/findings" "$root/fuzz/corpus/$name"
  say "fuzz $name for $seconds s"
  "$tree/bin/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$tree/findings/$name-" "$tree/corpus/$name" "$root/fuzz/corpus/$name" >"$log" 2>&1 </dev/null || code=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [[ $code -eq 0 ]]; then
    passed=$((passed + 1))
    echo "fuzz $name: clean, ${runs:-?} runs in $seconds s"
  else
    failed=$((failed + 1))
    tail -n 40 "$log"
    echo "fuzz $name: FOUND something (exit code $code), the input is in build/fuzz/findings: run build/fuzz/bin/fuzz_$name with the file as argument"
  fi
}

verb_fuzz() {
  local names=() seconds=60 known name
  while [[ $# -gt 0 ]]; do
    case $1 in
      --seconds) need_value "$@" && seconds=$2 && shift 2 ;;
      -*) fail "'./dev fuzz' knows only --seconds, not '$1'." ;;
      *) names+=("$1") && shift ;;
    esac
  done
  known=$(find "$root/fuzz" -maxdepth 1 -name '*_fuzz.cpp' -printf '%f\n' | sed 's/_fuzz.cpp$//' | sort | tr '\n' ' ')
  for name in "${names[@]}"; do [[ " $known" == *" $name "* ]] || fail "There is no fuzz target '$name': there are ${known% }."; done
  [[ ${#names[@]} -gt 0 ]] || read -ra names <<<"$known"
  ensure_set sanitize
  sanitizer_settings
  for name in "${names[@]}"; do
    build_tree fuzz sanitize "fuzz_$name"
    fuzz_one "$name" "$seconds"
  done
  close_tests
}
