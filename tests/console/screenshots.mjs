// Pictures of the console for the documentation, of a real platform on which the bank runs: docs/console/NAME.png.
//   node screenshots.mjs FOLDER
import { openBrowser, openPage } from "./harness.mjs";
import { placesOf, visit } from "./places.mjs";
import { startPlatform } from "./platform.mjs";

const folder = process.argv[2];
const pictures = [
  { name: "overview", language: "en", theme: "light", width: 1280 },
  { name: "overview", language: "zh", theme: "dark", width: 1280 },
  { name: "method", language: "en", theme: "dark", width: 1280 },
  { name: "components", language: "en", theme: "light", width: 1280 },
  { name: "profile", language: "en", theme: "light", width: 1280 },
  { name: "overview", language: "en", theme: "light", width: 390 },
];
const clients = 8;
const minutesOfTraffic = 4; // so that charts have something to show
const settleMs = 1500; // charts are drawn and figures have come

const platform = await startPlatform({ clients });
const browser = await openBrowser();
try {
  await new Promise((resolve) => setTimeout(resolve, minutesOfTraffic * 60e3));
  const places = await placesOf(platform.url);
  for (const { name, language, theme, width } of pictures) {
    const { page, close } = await openPage(browser, { url: platform.url, language, theme, width });
    await visit(page, platform.url, places.find((place) => place.name === name));
    await page.mouse.move(width - 2, 300);
    await page.waitForTimeout(settleMs);
    await page.screenshot({ path: `${folder}/${name}-${theme}-${language}-${width}.png` });
    await close();
  }
} finally {
  await browser.close();
  await platform.stop();
}
