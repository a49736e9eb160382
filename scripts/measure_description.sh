#!/usr/bin/env bash
# Measures what a described struct costs the compiler: a file with STRUCTS structs of FIELDS fields that are read from JSON, against the same file
# with the structs alone. Prints milliseconds a struct; the bar is 100. Usage: scripts/measure_description.sh [STRUCTS] [FIELDS]
set -euo pipefail
cd "$(dirname "$0")/.."
structs=${1:-20} fields=${2:-10} compiler=${CXX:-clang++-19} rounds=3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

types=(int64_t std::string "std::vector<int32_t>" double "std::optional<std::string>" bool)

# write_file NAME DESCRIBED: DESCRIBED is yes or no
write_file() {
  printf '#include "sofa/base/json.h"\n#include <optional>\nnamespace sofa {\n'
  for ((s = 0; s < structs; s++)); do
    printf 'struct S%d {\n' "$s"
    for ((f = 0; f < fields; f++)); do printf '  %s f%d{};\n' "${types[f % ${#types[@]}]}" "$f"; done
    if [[ $1 == yes ]]; then
      printf '  static auto describe(Description<S%d>& d) {\n    d.java_type("bench.S%d").doc("measured");\n' "$s" "$s"
      for ((f = 0; f < fields; f++)); do printf '    d.field("f%d", &S%d::f%d).doc("a field");\n' "$f" "$s" "$f"; done
      printf '  }\n'
    fi
    printf '};\n'
    if [[ $1 == yes ]]; then
      printf 'Result<S%d> read%d(std::string_view t) { return from_json<S%d>(t); }\n' "$s" "$s" "$s"
    else
      printf 'Result<S%d> read%d(std::string_view) { return S%d{}; }\n' "$s" "$s" "$s"
    fi
  done
  printf '}\n'
}

# best_of FILE: the least milliseconds of CPU over the rounds
best_of() {
  local best=999999 TIMEFORMAT='%U %S'
  for ((r = 0; r < rounds; r++)); do
    local used
    used=$({ time "$compiler" -std=c++2b -O3 -DNDEBUG -g1 -march=x86-64-v2 -Isrc -c "$1" -o "$folder/out.o"; } 2>&1)
    used=$(awk '{printf "%d", ($1 + $2) * 1000}' <<<"$used")
    if ((used < best)); then best=$used; fi
  done
  echo "$best"
}

write_file no >"$folder/plain.cpp"
write_file yes >"$folder/described.cpp"
plain=$(best_of "$folder/plain.cpp")
described=$(best_of "$folder/described.cpp")
cost=$(((described - plain) / structs))
echo "$structs structs of $fields fields: $plain ms plain, $described ms described: $cost ms a described struct"
if ((cost > 100)); then
  echo "above the bar of 100 ms" >&2
  exit 1
fi
