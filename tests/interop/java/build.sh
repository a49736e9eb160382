#!/usr/bin/env bash
# Compiles a folder of Java programs once and prints its class path: build.sh [FOLDER]
# FOLDER (default: this one) holds pom.xml (the libraries), src/ and perhaps a file "protos": the .proto files that become Java, one path a line; and
# perhaps a file "sources": .java files of other folders, likewise.
# Output goes to build/java/ (or $SOFA_JAVA_OUT); a stamp over all inputs makes the second call cost a few milliseconds.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "${1:-$here}" && pwd)
root=$(cd "$here/../../.." && pwd)
name=${folder#"$root"/}
out=${SOFA_JAVA_OUT:-$root/build/java}/${name//\//-}

protos=()
if [[ -f $folder/protos ]]; then
  while read -r path; do protos+=("$root/$path"); done <"$folder/protos"
fi
sources=()
if [[ -f $folder/sources ]]; then
  while read -r path; do sources+=("$root/$path"); done <"$folder/sources"
fi
stamp=$(find "$folder/pom.xml" "$folder/src" "${protos[@]}" "${sources[@]}" "$here/build.sh" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)

mkdir -p "$out"
exec 9>"$out/lock"
flock 9
if [[ ! -f $out/stamp || $(<"$out/stamp") != "$stamp" ]]; then
  for tool in mvn javac protoc; do
    command -v $tool >/dev/null || { echo "$tool is missing; run ./dev setup --tests" >&2; exit 1; }
  done
  rm -rf "$out/stamp" "$out/classes" "$out/generated"
  mkdir -p "$out/classes" "$out/generated"
  resolve=(mvn -q -B -f "$folder/pom.xml" dependency:build-classpath -Dmdep.outputFile="$out/libraries")
  "${resolve[@]}" -o >/dev/null 2>&1 || "${resolve[@]}" >&2
  if ((${#protos[@]})); then
    mapfile -t includes < <(printf -- '-I%s\n' "${protos[@]%/*}" | sort -u)
    protoc --java_out="$out/generated" "${includes[@]}" "${protos[@]}"
  fi
  find "$folder/src" "$out/generated" "${sources[@]}" -name '*.java' >"$out/sources"
  javac --release 17 -nowarn -proc:none -encoding UTF-8 -cp "$(<"$out/libraries")" -d "$out/classes" @"$out/sources" >&2
  echo "$stamp" >"$out/stamp"
fi
echo "$out/classes:$(<"$out/libraries")"
