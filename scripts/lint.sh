# shellcheck shell=bash
# Checks of the sources. The quick ones need no build and are a test too (tests/build/lint_test.sh); the layer rule is checked by CMake itself, each
# time a tree is configured.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

findings=0

# check NAME COMMAND...: goes on after a failure, so that one run shows everything.
check() {
  local name=$1
  shift
  if "$@"; then
    echo "$name: ok"
  else
    echo "$name: see above"
    findings=$((findings + 1))
  fi
}

# Files of the tree with one of the suffixes, null-separated; build/ and version control left out.
tree_files() {
  local suffix tests=()
  for suffix in "$@"; do tests+=(-o -name "*.$suffix"); done
  find "$root" \( -path "$root/build" -o -name .git -o -name node_modules -o -name target \) -prune -o -type f \( "${tests[@]:1}" \) -print0
}

check_format() { tree_files h cpp | xargs -0 -r clang-format-19 --dry-run -Werror; }

check_scripts() {
  { tree_files sh && grep -rlZE '^#!/usr/bin/env bash$' "$root"/{dev,.ci,scripts,bench,tests/soak}; } | sort -zu | xargs -0 shellcheck -x -P "$root"
}

# Every relative link in a Markdown file leads to a file of the tree.
check_links() {
  local file target dead=0
  while IFS= read -r -d '' file; do
    while IFS= read -r target; do
      target=${target#*](} && target=${target%)} && target=${target%%#*}
      [[ -z $target || $target == *://* || $target == mailto:* || -e $(dirname "$file")/$target ]] && continue
      echo "${file#"$root"/}: dead link to $target"
      dead=1
    done < <(awk '/^```/ { code = !code; next } !code' "$file" | grep -oE '\]\([^) ]+\)' || true)
  done < <(tree_files md)
  return "$dead"
}

# Every sentence that docs/faq.md explains (bold code) stands in the sources, between its values (…).
check_faq() {
  local words absent=0
  while IFS= read -r words; do
    [[ ${#words} -ge 4 ]] || continue
    grep -rqF --include='*.cpp' --include='*.h' -- "$words" "$root/src" && continue
    echo "docs/faq.md: no error says '$words'"
    absent=1
  done < <(tr '\n' ' ' <"$root/docs/faq.md" | grep -oP '\*\*\x60\K.+?(?=\x60\*\*)' | sed 's/\x60\x60/\x60/g; s/…/\n/g')
  return "$absent"
}

# The code in the docs is the compiled one.
check_regions() { "$root/scripts/regions" --check; }

check_status() { "$root/scripts/status" --check; }

check_layers() { (cd "$root" && cmake --preset release >/dev/null); }

# The sources that differ from main; all of them with --all or where there is no git.
tidy_sources() {
  local base
  if [[ $1 == all ]] || ! base=$(git -C "$root" merge-base main HEAD 2>/dev/null); then
    (cd "$root" && find src examples apps tests bench fuzz -name '*.cpp' 2>/dev/null)
  else
    (cd "$root" && { git diff --name-only --diff-filter=d "$base" -- '*.cpp' && git ls-files --others --exclude-standard -- '*.cpp'; })
  fi
}

check_tidy() {
  local file sources=()
  while IFS= read -r file; do
    ! grep -qF "$root/$file" "$root/build/release/compile_commands.json" || sources+=("$root/$file")
  done < <(tidy_sources "$1")
  [[ ${#sources[@]} -gt 0 ]] || return 0
  (cd "$root" && printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p build/release --quiet --warnings-as-errors='*' 2>/dev/null)
}

check_quickly() {
  check 'dead links' check_links
  check 'errors of the FAQ' check_faq
  check 'code in the docs' check_regions
  check 'status is fresh' check_status
  check 'shellcheck' check_scripts
  check 'format' check_format
}

verb_lint() {
  local scope=changed
  case "$#:${1:-}" in
    0:) ;;
    1:--all) scope=all ;;
    1:--quick) scope=none ;;
    *) fail "'./dev lint' knows only --all or --quick, not '$*': see './dev help'." ;;
  esac
  ensure_set lint
  check_quickly
  if [[ $scope != none ]]; then
    build_tree release build
    check 'layer rule' check_layers
    check "clang-tidy ($scope files)" check_tidy "$scope"
  fi
  [[ $findings -eq 0 ]] || fail "$findings checks found something: './dev fmt' mends the format, the rest is named above."
}

verb_fmt() {
  ensure_set lint
  tree_files h cpp | xargs -0 -r clang-format-19 -i
  say 'The C++ sources are formatted.'
}

verb_status() { "$root/scripts/status"; }
