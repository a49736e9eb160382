# shellcheck shell=bash
# A Debian package of the release build, by CPack (cmake/install.cmake, cmake/package.cmake).
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

verb_package() {
  [[ $# -eq 0 ]] || fail "'./dev package' takes no arguments, not '$*'."
  local tree=$root/build/release package
  ensure_set package
  build_tree release package installed
  rm -rf "$root/build/package"
  step 'packing' cpack -G DEB --config "$tree/CPackConfig.cmake" -B "$root/build/package" ||
    fail "CPack could not make the package: see its last lines above."
  rm -rf "$root/build/package/_CPack_Packages"
  package=$(find "$root/build/package" -name '*.deb')
  say "${package#"$root"/}: $(($(stat -c %s "$package") / 1024)) KiB, $(dpkg-deb -f "$package" Installed-Size) KiB installed. 'apt install ./${package#"$root"/}' installs it."
}
