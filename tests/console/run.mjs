// The console in a real browser. Prints what failed, and the count.
//   node run.mjs                                                all: behaviours against the made-up platform (console/mock), visits against both
//   node run.mjs visits|behaviours                              one of them, against the made-up platform
//   node run.mjs platform                                       the visits, against a real platform with the bank (platform.mjs)
//   node run.mjs visits http://127.0.0.1:9900/console           the same against one that runs already, with the bank on it
import { behaveAll } from "./behaviours.mjs";
import { closeChecks, openBrowser, startMock } from "./harness.mjs";
import { startPlatform } from "./platform.mjs";
import { visitAll, visitByKeyboard, visitStopped } from "./visits.mjs";

const [, , only, running] = process.argv;

async function againstMock(browser) {
  const mock = await startMock();
  try {
    if (only !== "behaviours") await visitAll(browser, mock.url);
    if (only !== "visits") await behaveAll(browser, mock.url);
  } finally {
    await mock.stop();
  }
}

async function againstPlatform(browser) {
  const platform = await startPlatform();
  try {
    await visitAll(browser, platform.url);
    await visitByKeyboard(browser, platform.url);
    await visitStopped(browser, platform.url, platform.stopServer);
  } finally {
    await platform.stop();
  }
}

const browser = await openBrowser();
try {
  if (running) {
    await visitAll(browser, running);
    await visitByKeyboard(browser, running);
  } else {
    if (only !== "platform") await againstMock(browser);
    if (!only || only === "platform") await againstPlatform(browser);
  }
} finally {
  await browser.close();
}
process.exit(closeChecks() ? 0 : 1);
