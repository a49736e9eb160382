// The console in a real browser. Prints what failed, and the count.
//   node run.mjs [visits|behaviours]                            against the made-up platform (console/mock)
//   node run.mjs visits http://127.0.0.1:9900/console           against a platform on which the bank runs
import { behaveAll } from "./behaviours.mjs";
import { closeChecks, openBrowser, startMock } from "./harness.mjs";
import { visitAll } from "./visits.mjs";

const [, , only, platform] = process.argv;
const mock = platform ? { url: platform, stop: () => {} } : await startMock();
const browser = await openBrowser();
try {
  if (only !== "behaviours") await visitAll(browser, mock.url);
  if (only !== "visits") await behaveAll(browser, mock.url);
} finally {
  await browser.close();
  await mock.stop();
}
process.exit(closeChecks() ? 0 : 1);
