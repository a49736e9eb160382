// The console in a real browser against the made-up platform. Prints what failed, and the count.
//   node run.mjs [visits|behaviours]
import { behaveAll } from "./behaviours.mjs";
import { closeChecks, openBrowser, startMock } from "./harness.mjs";
import { visitAll } from "./visits.mjs";

const only = process.argv[2];
const mock = await startMock();
const browser = await openBrowser();
try {
  if (only !== "behaviours") await visitAll(browser, mock.url);
  if (only !== "visits") await behaveAll(browser, mock.url);
} finally {
  await browser.close();
  await mock.stop();
}
process.exit(closeChecks() ? 0 : 1);
