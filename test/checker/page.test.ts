/** The page about a history, in a real browser: what it shows, by mouse and by keyboard, and what it must not run. */
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Browser, Page } from "puppeteer-core";
import { makeHistory } from "../../bench/histories.ts";
import { parseJsonLines } from "../../checker/formats/index.ts";
import { check, type History, type Operation } from "../../checker/index.ts";
import { plainTimes } from "../../checker/times.ts";
import { page } from "../../checker/view/page.ts";
import { browser } from "../support/browser.ts";

let chromium: Browser | null = null;
test.before(async () => {
  chromium = await browser();
});
test.after.always(() => chromium?.close());

const stale = parseJsonLines(readFileSync("test/checker/testdata/stale-read.jsonl", "utf8"));

function html(history: History, title = "a history"): string {
  return page(title, history, check(history), plainTimes);
}

/** Shows `content`; what the page complains of is in `complaints`. */
async function shown(
  content: string,
  scheme: "light" | "dark" = "light",
): Promise<{ tab: Page; complaints: string[] }> {
  const tab = await chromium!.newPage();
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("dialog", (dialog) => {
    complaints.push(dialog.message());
    void dialog.dismiss();
  });
  tab.on("request", (request) => {
    if (!request.url().startsWith("data:") && request.url() !== "about:blank") complaints.push(request.url());
  });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.setOfflineMode(true);
  await tab.setContent(content);
  await tab.waitForSelector('body[data-ready="yes"]');
  return { tab, complaints };
}

/** Runs `check` in a browser, or says that there is none. */
function inBrowser(name: string, run: (t: ExecutionContext) => Promise<void>): void {
  test.serial(name, async (t) => {
    if (chromium === null) {
      t.log("not run: this machine has no Chromium (Debian: chromium; or name one by CHROMIUM)");
      return t.pass();
    }
    return run(t);
  });
}

inBrowser(
  "an illegal history: the sentence, each operation as a bar, the core marked, the order and what fits nowhere",
  async (t) => {
    const { tab, complaints } = await shown(html(stale));
    t.regex(await tab.$eval("#sentence", (element) => element.textContent ?? ""), /client 4 read v17 of key a/);
    t.is((await tab.$$(".bar")).length, 4);
    t.is((await tab.$$(".bar.core, .bar.stuck")).length, 3);
    const order = await tab.$$eval("#order li", (items) => items.map((item) => item.textContent ?? ""));
    t.deepEqual(order.length, 3);
    t.regex(order[1], /put v18 .* -> v18$/);
    t.regex(order[2], /get -> v17 .* fits nowhere here$/);
    t.deepEqual(complaints, []);
  },
);

inBrowser(
  "by keyboard: a focused bar tells its operation; search fades the others; time to scale moves them",
  async (t) => {
    const { tab, complaints } = await shown(html(stale), "dark");
    await tab.focus("#search");
    await tab.keyboard.press("Tab");
    t.regex(await tab.$eval("#detail", (element) => element.textContent ?? ""), /client 1: put v17/);
    await tab.type("#search", "v18");
    t.is((await tab.$$(".bar.faded")).length, 2);
    const places = (): Promise<(string | null)[]> =>
      tab.$$eval(".bar rect", (bars) => bars.map((bar) => bar.getAttribute("x")));
    const before = await places();
    await tab.click("#warp");
    t.notDeepEqual(await places(), before);
    t.deepEqual(complaints, []);
  },
);

/** Two keys, one of them with a long name, and values that are long. */
const wide = stale
  .map((one): Operation => ({ ...one, value: `${String(one.value)}${"-and-more".repeat(500)}` }) as Operation)
  .concat({ client: 1, op: "get", key: "k".repeat(2_000), value: null, call: 20_000, return: 20_001, outcome: "ok" });

for (const scheme of ["light", "dark"] as const) {
  inBrowser(`on a phone nothing is wider than the screen, and long values are cut (${scheme})`, async (t) => {
    const { tab, complaints } = await shown(html(wide, "a/long/path/".repeat(20)), scheme);
    await tab.setViewport({ width: 375, height: 700 });
    t.true(((await tab.evaluate("document.documentElement.scrollWidth")) as number) <= 375);
    const labels = await tab.$$eval(".bar", (bars) => bars.map((bar) => bar.getAttribute("aria-label") ?? ""));
    t.true(labels.every((label) => label.length < 200 && label.includes("…")));
    t.deepEqual(complaints, []);
  });
}

async function legendOf(history: History): Promise<string[]> {
  const { tab } = await shown(html(history));
  return tab.$$eval(".legend li", (items) =>
    items.filter((item) => !item.hasAttribute("hidden")).map((item) => (item.textContent ?? "").trim()),
  );
}

inBrowser("the legend tells what red is, where something is red", async (t) => {
  t.true((await legendOf(stale)).includes("fits nowhere"));
  t.false((await legendOf(stale.slice(0, 3))).includes("fits nowhere"));
});

inBrowser("a key is shown by a click, or Enter on it; and back", async (t) => {
  const { tab, complaints } = await shown(html(wide));
  const heading = (): Promise<string> => tab.$eval("#heading", (element) => element.textContent ?? "");
  t.is(await heading(), "Key a: all 4 operations");
  const [first, second] = await tab.$$("#keys button");
  await second!.click();
  t.regex(await heading(), /^Key k+…k+: all 1 operations$/);
  t.is((await tab.$$(".bar")).length, 1);
  await first!.focus();
  await tab.keyboard.press("Enter");
  t.is(await heading(), "Key a: all 4 operations");
  t.is((await tab.$$(".bar.core, .bar.stuck")).length, 3);
  t.deepEqual(complaints, []);
});

inBrowser("hostile keys and values are shown as text and run nothing", async (t) => {
  const hostile = `</script><img src=x onerror="alert(1)"><script>alert(2)</script>`;
  const history = stale.map(
    (one): Operation => ({ ...one, key: hostile, value: `${String(one.value)}${hostile}` }) as Operation,
  );
  const { tab, complaints } = await shown(html(history, hostile));
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.deepEqual(complaints, []);
  t.is(await tab.$("img"), null);
  t.true((await tab.$eval("h1", (element) => element.textContent ?? "")).includes(hostile));
  t.true((await tab.$eval("#keys", (element) => element.textContent ?? "")).startsWith(hostile.slice(0, 30)));
});

inBrowser("a legal history shows an order and what the key holds after each", async (t) => {
  const { tab, complaints } = await shown(html(stale.slice(0, 3)));
  t.deepEqual(
    await tab.$$eval("#order li", (items) => items.map((item) => / -> (\S+)$/.exec(item.textContent ?? "")?.[1])),
    ["v17", "v18", "v18"],
  );
  t.deepEqual(complaints, []);
});

test("of a large history the page holds only what is around the core", (t) => {
  const history = makeHistory({
    seed: "page",
    operations: 100_000,
    clients: 10,
    keys: 3,
    unknownShare: 0.01,
    stale: true,
    kinds: ["get", "put"],
  });
  const text = html(history);
  t.true(text.length < 300_000, `${text.length} characters`);
});

inBrowser("the checker itself runs in the browser", async (t) => {
  const server = createServer(({ url = "/" }, response) => {
    const isScript = url.endsWith(".js");
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? readFileSync(join("dist", url)) : "<!doctype html><title>checker</title>");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const tab = await chromium!.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const verdict = await tab.evaluate(
    `import("/checker/index.js").then(({ check }) => check(${JSON.stringify(stale)}).verdict)`,
  );
  server.close();
  t.is(verdict, "illegal");
});
