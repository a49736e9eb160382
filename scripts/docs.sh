# shellcheck shell=bash
# The pages that are made from descriptions: docs/cli, docs/errors, and the reference in docs/configuration.md. A unit test (cli_docs_test) tells when they are stale.
: "${root:?is set by ./dev}"
source "$root/scripts/build.sh"

verb_docs() {
  verb_build sofa-docs
  "$root/build/release/bin/sofa-docs" --docs "$root/docs"
  echo 'docs/cli, docs/errors and the reference in docs/configuration.md are written.'
}
