// What the console does when it is used.
import { readdirSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { check, consoleFolder, must, openPage, startMock, until } from "./harness.mjs";

const gateway = "bank-gateway-4802";

async function on(browser, url, path, run, options = {}) {
  const opened = await openPage(browser, { url, ...options });
  try {
    await opened.page.goto(url + path);
    await run(opened.page, opened.complaints);
  } finally {
    await opened.close();
  }
}

async function withMock(options, run) {
  const mock = await startMock(options);
  try {
    await run(mock);
  } finally {
    await mock.stop();
  }
}

const queryOf = (page) => new URL(page.url()).searchParams;
const pathOf = (page) => new URL(page.url()).pathname;

async function keyboard(browser, url) {
  await check("the palette opens by / and Ctrl-K, finds pages and services, and gives the focus back", () =>
    on(browser, url, "/", async (page) => {
      await page.locator("td >> text=bank-gateway").first().waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("conn");
      await page.keyboard.press("Enter");
      await page.locator("h1 >> text=Connections").waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("bank.ledger");
      await page.locator("[role=option] >> text=bank.Ledger:1.0").waitFor();
      await page.keyboard.press("Enter");
      await page.locator("h1 >> text=bank.Ledger:1.0").waitFor();
      await page.locator(".search").focus();
      await page.keyboard.press("Control+k");
      await page.locator("dialog[open]").waitFor();
      await page.keyboard.press("Escape");
      await page.locator("dialog").waitFor({ state: "detached" });
      must(await page.evaluate(() => document.activeElement?.className === "search"), "the focus is lost after Escape");
    }),
  );
  await check("'/' is typed into a field, and opens nothing there", () =>
    on(browser, url, "/connections", async (page) => {
      await page.locator("input[type=search]").fill("a");
      await page.keyboard.press("/");
      must((await page.locator("input[type=search]").inputValue()) === "a/", "the character did not arrive");
      must((await page.locator("dialog").count()) === 0, "the palette has opened");
    }),
  );
  await check("the first Tab leads to the content, and every page is reached by Tab and Enter", () =>
    on(browser, url, "/", async (page) => {
      await page.locator("h1").waitFor();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await until(() => page.evaluate(() => document.activeElement?.id === "content"), "the skip link leads to the content");
      for (const title of ["Services", "Components", "Connections", "Logs", "Metrics", "Profiles", "Access", "Audit"]) {
        await page.locator(`.side a >> text=${title}`).focus();
        await page.keyboard.press("Enter");
        await page.locator(`h1 >> text=${title}`).waitFor();
      }
    }),
  );
  await check("a graph and a flame graph are walked by keys", () =>
    on(browser, url, `/components?process=${gateway}`, async (page) => {
      await page.locator(".node:has-text('transfers')").focus();
      await page.keyboard.press("Enter");
      await page.locator(".facts >> text=bank::Transfers").first().waitFor();
      must(queryOf(page).get("component") === "transfers", `the URL has not kept the component: ${page.url()}`);
      await page.goto(`${url}/profiles?process=${gateway}&seconds=1`);
      await page.locator(".main-action").focus();
      await page.keyboard.press("Enter");
      await page.locator(".flame button").first().focus();
      await page.keyboard.press("ArrowDown");
      must((await page.evaluate(() => document.activeElement?.textContent)) === "main", "ArrowDown does not go to the callee");
      await page.keyboard.press("Enter");
      await page.locator(".flame button.dim").first().waitFor();
      await page.keyboard.press("Escape");
      await page.locator(".flame button.dim").waitFor({ state: "detached" });
    }),
  );
}

async function tables(browser, url) {
  await check("a table keeps its order and filter in the URL, over a reload and in a link", () =>
    on(browser, url, "/services", async (page) => {
      const names = () => page.locator("tbody td:first-child").allInnerTexts();
      await until(async () => (await names()).length === 4, "four services");
      await page.locator("th button:has-text('Service')").first().focus();
      await page.keyboard.press("Enter");
      await until(async () => queryOf(page).get("sort") === "name", "the order is in the URL");
      must((await names())[0].startsWith("bank.Gateway"), `the first is ${(await names())[0]}`);
      await page.keyboard.press("Enter");
      await until(async () => (await names())[0].startsWith("grpc.health"), "the order turns round");
      must((await page.locator("th[aria-sort=descending]").innerText()).includes("Service"), "aria-sort says another column");
      await page.locator("input[type=search]").fill("bank.r");
      await until(async () => (await names()).join() === "bank.Risk:1.0", "the filter takes all its words");
      await page.reload();
      await until(async () => (await names()).join() === "bank.Risk:1.0", "a reload keeps the filter");
      await page.locator("input[type=search]").fill("nothing like it");
      await page.locator("button >> text=Clear the filter").click();
      await until(async () => (await names()).length === 4, "all are back");
    }),
  );
  await check("the chosen process goes along from page to page", () =>
    on(browser, url, "/connections", async (page) => {
      await page.locator("select >> nth=0").selectOption({ label: "bank-risk · 4804" });
      await until(async () => (await page.locator("tbody tr").count()) === 3, "the connections of bank-risk");
      await page.locator(".side a >> text=Components").click();
      await page.locator("h1 >> text=Components · bank-risk").waitFor();
      await page.goBack();
      await page.locator("h1 >> text=Connections").waitFor();
      must(queryOf(page).get("process") === "bank-risk-4804", "the way back has lost it");
    }),
  );
}

async function liveness(browser, url) {
  await check("figures move by themselves", () =>
    on(browser, url, "/", async (page) => {
      const figure = () => page.locator(".tile .figure").first().innerText();
      await until(async () => /\d/.test(await figure()), "a figure");
      const first = await figure();
      await until(async () => (await figure()) !== first, "another figure");
      must((await page.locator(".contact").innerText()) === "Live", "it does not say that it is live");
    }),
  );
  await check("log lines come, are filtered, and wait while one reads", () =>
    on(browser, url, `/logs?process=${gateway}`, async (page) => {
      const lines = () => page.locator(".log .line").count();
      const first = await until(lines, "lines");
      await until(async () => (await lines()) > first, "more lines");
      await page.locator("button >> text=Follow").click();
      await page.locator("text=/Paused: \\d+ new lines/").waitFor();
      await page.locator(".switch button >> text=warn").click();
      await until(async () => (await page.locator(".log .line.warn").count()) > 0 && (await page.locator(".log .line.info").count()) === 0, "warnings alone");
      must(queryOf(page).get("level") === "warn", "the level is not in the URL");
      await page.locator("input[type=search]").fill("repeated");
      await page.locator(".log mark").first().waitFor();
    }),
  );
  await check("a page that nobody sees holds no stream, and goes on when it is seen", () =>
    on(browser, url, "/", async (page) => {
      const figure = () => page.locator(".tile .figure").first().innerText();
      await until(async () => /\d/.test(await figure()), "a figure");
      const turn = (state) =>
        page.evaluate((to) => {
          Object.defineProperty(document, "visibilityState", { value: to, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }, state);
      const closed = page.waitForEvent("requestfailed", (request) => request.url().includes("/v1/events"));
      await turn("hidden");
      await closed;
      const last = await figure();
      const opened = page.waitForRequest((request) => request.url().includes("/v1/events"));
      await turn("visible");
      await opened;
      await until(async () => (await figure()) !== last, "figures move again");
    }),
  );
  await check("an API that does not know the console says so, and the console waits for it", () =>
    on(browser, url, "/audit", async (page) => {
      let broken = true;
      await page.route("**/v1/session", (route) => (broken ? route.fulfill({ status: 503, body: '{"status":503,"code":"unavailable","detail":"it still starts"}' }) : route.continue()));
      await page.reload();
      await page.locator("[role=alert] >> text=it still starts").waitFor();
      broken = false;
      await page.locator("h1 >> text=Audit").waitFor();
    }),
  );
  await check("a stopped server: the last values stay, it is said, and all goes on when it is back", async () => {
    const mock = await startMock();
    let again;
    try {
      await on(browser, mock.url, "/services", async (page) => {
        await page.locator("td >> text=bank.Gateway").first().waitFor();
        await mock.stop();
        await page.locator("[role=alert] >> text=The server does not answer").waitFor();
        must((await page.locator("td >> text=bank.Gateway").count()) > 0, "the values are gone");
        must((await page.locator(".contact").innerText()) === "No contact", "the bar does not say it");
        await page.locator(".side a >> text=Audit").click();
        await page.locator("text=This could not be loaded").waitFor();
        again = await startMock([], mock.port);
        await page.locator("button >> text=Try again").click();
        await page.locator("td >> text=user.add").first().waitFor();
        await page.locator(".lost").waitFor({ state: "detached" });
      });
    } finally {
      await again?.stop();
    }
  });
}

async function calls(browser, url) {
  const method = `/services/${gateway}/bank.Gateway%3A1.0/transfer`;
  await check("a method is called by its form, and by JSON", () =>
    on(browser, url, method, async (page) => {
      await page.locator("form input >> nth=0").fill("t-77");
      await page.locator("form input[type=number] >> nth=0").press("Control+Enter");
      await page.locator("text=/Answered in/").waitFor();
      must((await page.locator(".answer").innerText()).includes('"booked": true'), "it shows another answer");
      await page.locator("form .switch button >> text=JSON").click();
      const text = page.locator("form textarea");
      must((await text.inputValue()).includes('"t-77"'), "the form's values are not in the JSON");
      await text.fill('{"id": "t-78", "cents": -1}');
      await page.locator("form button >> text=Send").click();
      await page.locator("text=/Failed after/").waitFor();
      must((await page.locator(".answer").innerText()).includes("must be at least 1"), "the fault is not shown");
      await text.fill("{");
      await page.locator("form button >> text=Send").click();
      await page.locator("text=/This is no JSON/").waitFor();
    }),
  );
  await check("a list of arguments grows and shrinks", () =>
    on(browser, url, method.replace("transfer", "watch"), async (page) => {
      for (let items = 1; items <= 2; items++) {
        await page.locator("form button >> text=Add").click();
        must((await page.locator("form .item-box").count()) === items, "no item was added");
      }
      await page.locator("form .item-box select >> nth=1").selectOption("fee");
      await page.locator("form .switch button >> text=JSON").click();
      must(/"payment",\s+"fee"/.test(await page.locator("form textarea").inputValue()), "the item is not in the JSON");
    }),
  );
}

async function access(browser) {
  await check("who is not logged in sees the login alone; a wrong password is refused; logging out ends it", () =>
    withMock(["--auth"], (mock) =>
      on(browser, mock.url, "/services", async (page) => {
        await page.locator("input[name=user]").fill("dev");
        await page.locator("input[name=password]").fill("wrong");
        await page.keyboard.press("Enter");
        await page.locator("[role=alert] >> text=The name or the password is wrong").waitFor();
        must((await page.locator(".side").count()) === 0, "the frame is shown before the login");
        await page.locator("input[name=password]").fill("correct-horse-battery");
        await page.keyboard.press("Enter");
        await page.locator("td >> text=bank.Gateway").first().waitFor();
        must(pathOf(page) === "/console/services", "the login leads elsewhere");
        await page.locator("button >> text=Log out").click();
        await page.locator("input[name=user]").waitFor();
        await page.reload();
        await page.locator("input[name=user]").waitFor();
      }),
    ),
  );
  await check("a session that ends on the server leads to the login", () =>
    withMock(["--auth"], (mock) =>
      on(browser, mock.url, "/", async (page) => {
        await page.locator("input[name=user]").fill("dev");
        await page.locator("input[name=password]").fill("correct-horse-battery");
        await page.keyboard.press("Enter");
        await page.locator(".side").waitFor();
        await page.context().clearCookies();
        // Whatever it asks next leads there, also what it asks by itself: then the link is gone.
        await page.locator(".side a >> text=Audit").click({ timeout: 5000 }).catch(() => {});
        await page.locator("text=Your session has ended").waitFor();
      }),
    ),
  );
  await check("what one may not see is not offered, and says which permission it needs", () =>
    withMock(["--permissions", "overview:read,processes:read"], (mock) =>
      on(browser, mock.url, "/services", async (page) => {
        await page.locator("td >> text=bank.Gateway").first().waitFor();
        const offered = await page.locator(".side nav a").allInnerTexts();
        must(!offered.includes("Access") && !offered.includes("Audit") && offered.includes("Services"), `it offers ${offered}`);
        await page.goto(`${mock.url}/access`);
        await page.locator("text=it needs the permission users:read").waitFor();
        await page.goto(`${mock.url}/services/${gateway}/bank.Gateway%3A1.0/transfer`);
        await page.locator(".heat canvas").waitFor();
        must((await page.locator("text=Call it").count()) === 0, "it offers a call");
      }),
    ),
  );
  await check("a user, a key and a token are made and taken back; a secret is shown once", () =>
    withMock([], (mock) =>
      on(browser, mock.url, "/access", async (page) => {
        await page.locator("button >> text=New user").click();
        await page.locator("dialog input[name=name]").fill("dev");
        await page.locator("dialog input[name=password]").fill("a long password");
        await page.locator("dialog >> text=viewer").click();
        await page.locator("dialog button >> text=Create").click();
        await page.locator("dialog [role=alert] >> text=There is a user 'dev' already").waitFor();
        await page.locator("dialog input[name=name]").fill("noor");
        await page.locator("dialog button >> text=Create").click();
        await page.locator("td >> text=noor").waitFor();
        await page.locator("button[aria-label='Remove: noor']").click();
        await page.locator("dialog button >> text=Remove").last().click();
        await page.locator("td >> text=noor").waitFor({ state: "detached" });
        for (const [view, revoked] of [["Keys", "AK7Q2MZ4T9"], ["Tokens", "tk-01hv9"]]) {
          await page.locator(`.switch button >> text=${view}`).click();
          await page.locator(`td >> text=${revoked}`).waitFor();
          await page.locator(".table-tools .main-action").click();
          await page.locator("dialog input[name=owner]").fill("lin");
          await page.locator("dialog input[name=doc]").fill("a test");
          await page.locator("dialog button >> text=Create").click();
          await page.locator("dialog >> text=shown-once").waitFor();
          await page.locator("dialog button >> text=I have it").click();
          await page.locator("td >> text=a test").waitFor();
          must((await page.content()).includes("shown-once") === false, "the secret is still in the page");
          await page.locator(`button[aria-label='Revoke: ${revoked}']`).click();
          await page.locator("dialog button >> text=Revoke").last().click();
          await page.locator(`td >> text=${revoked}`).waitFor({ state: "detached" });
        }
      }),
    ),
  );
  await check("levels are changed at run time", () =>
    withMock([], (mock) =>
      on(browser, mock.url, `/logs?process=${gateway}`, async (page) => {
        await page.locator("button >> text=Levels").click();
        await page.locator("select[aria-label='Level transport']").selectOption("debug");
        await page.reload();
        await page.locator("button >> text=Levels").click();
        await until(async () => (await page.locator("select[aria-label='Level transport']").inputValue()) === "debug", "the level is kept");
      }),
    ),
  );
}

async function emptiness(browser) {
  await check("where nothing is, it says what to do", () =>
    withMock(["--empty"], (mock) =>
      on(browser, mock.url, "/", async (page) => {
        const says = async (path, ...words) => {
          await page.goto(mock.url + path);
          for (const word of words) await page.locator(`.empty >> text=${word}`).first().waitFor();
        };
        await says("/", "No application has announced itself", "sofa new app", "Nothing has happened yet");
        await says("/services", "No process publishes a service", "sofa new app");
        await says("/connections", "Nobody is connected", "sofa call");
        await says("/logs", "No line fits");
        await says("/metrics", "Choose a metric", "curl");
        await says("/access", "There are no users", "sofa user add");
        await says("/access?view=keys", "There are no access keys");
        await says("/access?view=tokens", "There are no tokens");
        await says("/audit", "Nothing was changed yet");
        await says("/no/such/page", "There is no page at this address");
      }),
    ),
  );
}

async function appearance(browser, url) {
  await check("theme and language are switched by hand, and kept", () =>
    on(browser, url, "/audit", async (page) => {
      await page.locator("h1 >> text=Audit").waitFor();
      await page.locator("button >> text=Theme: System").click();
      await page.locator("button >> text=Theme: Light").click();
      await page.locator("button >> text=Theme: Dark").waitFor();
      await page.locator("button >> text=中文").click();
      await page.locator("h1 >> text=审计").waitFor();
      await page.reload();
      await page.locator("h1 >> text=审计").waitFor();
      must(await page.evaluate(() => document.documentElement.dataset.theme === "dark" && document.documentElement.lang === "zh"), "the choice is lost");
    }),
  );
  await check("on a phone the menu opens, leads and closes", () =>
    on(
      browser,
      url,
      "/",
      async (page) => {
        await page.locator("button[aria-label='Open the menu']").click();
        await page.locator(".side a >> text=Logs").click();
        await page.locator("h1 >> text=Logs").waitFor();
        await until(async () => !(await page.locator(".side a >> text=Logs").isVisible()), "the menu closes");
        await page.locator("button[aria-label='Open the menu']").click();
        await page.keyboard.press("Escape");
        await until(async () => !(await page.locator(".side a >> text=Logs").isVisible()), "Escape closes it");
      },
      { width: 390 },
    ),
  );
}

async function texts() {
  await check("both languages fill in the same values", async () => {
    const [{ en }, { zh }] = await Promise.all(["en", "zh"].map((name) => import(`${consoleFolder}src/i18n/${name}.ts`)));
    const holes = (text) => (text.match(/{\w+}/g) ?? []).sort().join();
    const wrong = Object.keys(en).filter((key) => holes(en[key]) !== holes(zh[key]) || zh[key] === "");
    must(wrong.length === 0, `these differ: ${wrong}`);
    must(Object.keys(zh).length === Object.keys(en).length, "one language has texts that the other has not");
  });
}

async function sizes(browser, url) {
  await check("the first route is under 400 KB compressed, and the whole under 1 MB", async () => {
    const opened = await openPage(browser, { url });
    const bodies = [];
    opened.page.on("response", (response) => response.url().includes("/console/") && bodies.push(response.body().then((body) => gzipSync(body).length, () => 0))); // 0: of a further page, and cut by the end
    await opened.page.goto(`${url}/`);
    await opened.page.locator(".uplot canvas").first().waitFor();
    const first = (await Promise.all(bodies)).reduce((sum, size) => sum + size, 0);
    await opened.close();
    must(first > 50000 && first < 400000, `the first route has ${first} bytes`);
    const dist = `${consoleFolder}dist`;
    const whole = readdirSync(dist, { recursive: true }).reduce((sum, name) => sum + (statSync(`${dist}/${name}`).isFile() ? statSync(`${dist}/${name}`).size : 0), 0);
    must(whole < 1e6, `console/dist has ${whole} bytes`);
    console.log(`first route ${Math.round(first / 1000)} KB compressed, console/dist ${Math.round(whole / 1000)} KB`);
  });
}

export async function behaveAll(browser, url) {
  const groups = [
    () => keyboard(browser, url),
    () => access(browser),
    () => tables(browser, url),
    () => liveness(browser, url),
    () => calls(browser, url),
    () => emptiness(browser),
    () => appearance(browser, url),
    () => sizes(browser, url),
    () => texts(),
  ];
  const work = async () => {
    for (let next = groups.shift(); next; next = groups.shift()) await next();
  };
  await Promise.all([work(), work()]);
}
