// Named checks of a client: one line each, then "N passed, M failed".
"use strict";

const checks = [];

function check(name, body) {
  checks.push({ name, body });
}

/// Runs them in order; the exit code is 0 when none failed.
async function run() {
  let passed = 0;
  for (const { name, body } of checks) {
    try {
      await body();
      passed += 1;
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`FAIL ${name}: ${String(error.message ?? error).replaceAll("\n", " ").slice(0, 600)}`);
    }
  }
  console.log(`${passed} passed, ${checks.length - passed} failed`);
  process.exit(passed === checks.length ? 0 : 1);
}

module.exports = { check, run };
