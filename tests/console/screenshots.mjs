// Pictures of the console for the documentation: docs/console/NAME.png.
//   node screenshots.mjs FOLDER
import { openBrowser, openPage, startMock } from "./harness.mjs";
import { placesOf, visit } from "./places.mjs";

const folder = process.argv[2];
const pictures = [
  { name: "overview", language: "en", theme: "light", width: 1280 },
  { name: "overview", language: "zh", theme: "dark", width: 1280 },
  { name: "method", language: "en", theme: "dark", width: 1280 },
  { name: "components", language: "en", theme: "light", width: 1280 },
  { name: "profile", language: "en", theme: "light", width: 1280 },
  { name: "overview", language: "en", theme: "light", width: 390 },
];
const settleMs = 1500; // charts are drawn and figures have come

const mock = await startMock();
const places = await placesOf(mock.url);
const browser = await openBrowser();
for (const { name, language, theme, width } of pictures) {
  const { page, close } = await openPage(browser, { url: mock.url, language, theme, width });
  await visit(page, mock.url, places.find((place) => place.name === name));
  await page.mouse.move(width - 2, 300);
  await page.waitForTimeout(settleMs);
  await page.screenshot({ path: `${folder}/${name}-${theme}-${language}-${width}.png` });
  await close();
}
await browser.close();
await mock.stop();
