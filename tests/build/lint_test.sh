#!/usr/bin/env bash
# The checks of `./dev lint` that need no build: format, scripts, links, code in the docs. Each check counts as one test.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

code=0
said=$("$root/dev" lint --quick 2>&1) || code=$?
echo "$said"
passed=$(grep -c ': ok$' <<<"$said" || true)
failed=$(grep -c ': see above$' <<<"$said" || true)
[[ $code -eq 0 || $failed -gt 0 ]] || failed=1
echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
