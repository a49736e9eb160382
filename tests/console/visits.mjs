// Every page, in both languages and both themes, wide and narrow: it is shown, nothing complains, nothing moves, nothing sticks out, axe finds nothing.
import { axeScript, check, must, openPage } from "./harness.mjs";
import { placesOf, visit } from "./places.mjs";

const looks = [
  { language: "en", theme: "light", width: 1280, axe: true },
  { language: "zh", theme: "dark", width: 390, axe: true },
  { language: "zh", theme: "light", width: 1280, axe: false },
  { language: "en", theme: "dark", width: 390, axe: false },
];
const grounds = { light: "rgb(246, 247, 249)", dark: "rgb(11, 12, 15)" };
const mostShift = 0.03;

async function findings(page) {
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary?.split("\n").slice(1, 2)}`).join(" | ")}`);
  });
}

async function look(browser, url, place, { language, theme, width, axe }) {
  const { page, complaints, close } = await openPage(browser, { width, theme, language, url });
  try {
    if (axe) await page.addInitScript({ path: axeScript });
    await visit(page, url, place);
    const title = await page.locator("h1").first().innerText();
    must(title === place.title[language === "en" ? 0 : 1], `its title is '${title}'`);
    must((await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)) === grounds[theme], "it has not the ground of its theme");
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    must(over <= 0, `it is ${over} pixels wider than the window`);
    const shifts = await page.evaluate(() => window.shifts);
    const sum = shifts.reduce((all, shift) => all + shift.value, 0);
    must(sum < mostShift, `it moved while it came: ${sum.toFixed(3)} ${JSON.stringify(shifts.slice(0, 3))}`);
    if (axe) {
      const found = await findings(page);
      must(found.length === 0, found.join("\n"));
    }
    must(complaints.length === 0, complaints.join("\n"));
  } finally {
    await close();
  }
}

export async function visitAll(browser, url) {
  const places = await placesOf(url);
  const left = looks.flatMap((how) => places.map((place) => ({ place, how })));
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const { place, how } = next;
      await check(`${place.name}, ${how.language}, ${how.theme}, ${how.width} px`, () => look(browser, url, place, how));
    }
  };
  await Promise.all([work(), work()]);
}

const navigation = ["Overview", "Services", "Components", "Connections", "Raft groups", "Logs", "Metrics", "Profiles", "Access", "Audit"];
const mostTabs = 200;

/** Presses Tab until the focus is on what `is` accepts; fails when it never is, or when the focus stays where it was. */
async function tabTo(page, what, is) {
  for (let tabs = 0; tabs < mostTabs; ++tabs) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => ({ text: document.activeElement?.textContent?.trim() ?? "", side: document.activeElement?.closest(".side") !== null }));
    if (is(at)) return;
  }
  throw new Error(`Tab does not lead to ${what}`);
}

/** Every page by Tab and Enter alone, from the one before. */
export async function visitByKeyboard(browser, url) {
  await check("every page is reached by Tab and Enter alone", async () => {
    const { page, complaints, close } = await openPage(browser, { url });
    try {
      await page.goto(url);
      await page.locator("h1").first().waitFor();
      for (const title of navigation) {
        await tabTo(page, title, (at) => at.side && at.text === title);
        await page.keyboard.press("Enter");
        await page.locator(`h1 >> text=${title}`).first().waitFor();
      }
      must(complaints.length === 0, complaints.join("\n"));
    } finally {
      await close();
    }
  });
}

/** A server that stops while somebody reads. */
export async function visitStopped(browser, url, stopServer) {
  await check("a stopped server: the last values stay, and it is said", async () => {
    const { page, close } = await openPage(browser, { url });
    try {
      await page.goto(url);
      await page.locator("td >> text=bank-gateway").first().waitFor();
      await stopServer();
      await page.locator("[role=alert] >> text=The server does not answer").waitFor();
      must((await page.locator("td >> text=bank-gateway").count()) > 0, "the values are gone");
      must((await page.locator(".contact").innerText()) === "No contact", "the bar does not say it");
    } finally {
      await close();
    }
  });
}
