#!/usr/bin/env bash
# Builds when needed and runs one Java program in this process: run.sh [--folder FOLDER] MAIN_CLASS ARGS...
# JVM options may be added through JAVA_OPTIONS.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$here
if [[ ${1:-} == --folder ]]; then
  folder=$2
  shift 2
fi
class_path=$("$here/build.sh" "$folder")
logs=${class_path%%/classes:*}/logs

# Hessian reads and writes private fields of JDK classes; SOFATracer writes its digests under logging.path.
opens=()
for package in java.lang java.util java.math java.time java.util.concurrent.atomic; do
  opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
# shellcheck disable=SC2086
exec java "${opens[@]}" -Dlogging.path="$logs" -Dlogging.level.com.alipay.sofa=WARN ${JAVA_OPTIONS:-} -cp "$class_path" "$@"
