# shellcheck shell=bash
# Builds the judge of histories (tools/lincheck) and becomes it.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

# go_build OUT FOLDER: builds the Go program of a folder to the file OUT. Go's own cache makes a second build take a moment.
go_build() {
  local out=$1 folder=$2
  ensure_go
  mkdir -p "${out%/*}"
  (cd "$root/$folder" && PATH="$venv/bin:$PATH" go build -buildvcs=false -o "$out" .) || fail "$folder does not build: mend what Go names above."
}

verb_lincheck() {
  go_build "$root/build/chaos/bin/lincheck" tools/lincheck
  exec "$root/build/chaos/bin/lincheck" "$@"
}
