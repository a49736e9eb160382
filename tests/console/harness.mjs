// A browser, the made-up platform (console/mock) and a count of checks.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export const consoleFolder = fileURLToPath(new URL("../../console/", import.meta.url));
const require = createRequire(`${consoleFolder}package.json`);
const { chromium } = require("playwright-core");
export const axeScript = require.resolve("axe-core/axe.min.js");

export const waitMs = 20000; // a builder may keep both processors busy meanwhile

export const openBrowser = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });

/** A mock on a port of its own; `url` is where its console is. */
export async function startMock(options = [], port = 0) {
  const child = spawn(process.execPath, [`${consoleFolder}mock/server.mjs`, "--port", String(port), ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data)));
    child.once("exit", (code) => reject(new Error(`the mock ended with ${code} before it listened`)));
  });
  const url = /http:\S+/.exec(line)[0].replace(/\/$/, "");
  return {
    url,
    port: Number(new URL(url).port),
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", resolve);
        child.kill("SIGKILL");
      }),
  };
}

/** A page that fails its check for what a reader never should meet: errors, faults of scripts, requests to other hosts. */
export async function openPage(browser, { width = 1280, theme = "light", language = "en", url }) {
  const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme: theme, locale: language === "zh" ? "zh-CN" : "en-US", reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(waitMs);
  const complaints = [];
  const host = new URL(url).host;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("request", (request) => new URL(request.url()).host !== host && !request.url().startsWith("blob:") && complaints.push(`a request to ${request.url()}`));
  await page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, what: entry.sources.map((source) => source.node?.className || source.node?.nodeName) });
    }).observe({ type: "layout-shift", buffered: true });
  });
  return { page, complaints, close: () => context.close() };
}

export function must(condition, sentence) {
  if (!condition) throw new Error(sentence);
}

/** Waits until `ask` gives something true; its last answer is in the error. */
export async function until(ask, sentence) {
  const end = Date.now() + waitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${sentence}: still ${JSON.stringify(answer)} after ${waitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let passed = 0;
let failed = 0;

export async function check(name, run) {
  try {
    await run();
    passed += 1;
    if (process.env.SOFA_VERBOSE) console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${String(error.message).split("\n").slice(0, 12).join("\n        ")}`);
  }
}

export function closeChecks() {
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 && passed > 0;
}
