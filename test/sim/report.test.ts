/** The page about a run, in a real browser: what it shows, by keyboard too, offline, light and dark. */
import test, { type ExecutionContext } from "ava";
import type { Browser, Page } from "puppeteer-core";
import { coneOf } from "../../sim/report/cone.ts";
import { reportPage } from "../../sim/report/page.ts";
import { after, clientKinds, type NodeState, unstarted } from "../../sim/report/states.ts";
import { type Result, simulateSeed } from "../../sim/run.ts";
import { type Line, Recorder } from "../../sim/trace/recorder.ts";
import { browser } from "../support/browser.ts";

let chromium: Browser | null = null;
test.before(async () => {
  chromium = await browser();
});
test.after.always(() => chromium?.close());

function recorded(seed: number): { result: Result; recorder: Recorder; lines: readonly Line[] } {
  const recorder = new Recorder();
  const result = simulateSeed(seed, { print: null, invariants: true, recorder });
  return { result, recorder, lines: recorder.lines };
}

/** As if it had failed: a page of a failure needs no bug in the product. */
function asFailure(result: Result): Result {
  return { ...result, verdict: "violation", property: "I7", message: "n1 <b>did</b> what it must not" };
}

async function shown(content: string, scheme: "light" | "dark"): Promise<{ tab: Page; complaints: string[] }> {
  const tab = await chromium!.newPage();
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("request", (request) => {
    if (!request.url().startsWith("data:") && request.url() !== "about:blank") complaints.push(request.url());
  });
  await tab.setViewport({ width: 1200, height: 900 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.setOfflineMode(true);
  await tab.setContent(content);
  await tab.waitForSelector('body[data-ready="yes"]');
  return { tab, complaints };
}

function inBrowser(name: string, run: (t: ExecutionContext) => Promise<void>): void {
  test.serial(name, async (t) => {
    if (chromium === null) {
      t.log("not run: this machine has no Chromium (Debian: chromium; or name one by CHROMIUM)");
      return t.pass();
    }
    return run(t);
  });
}

const text = (tab: Page, selector: string): Promise<string> => tab.$eval(selector, (one) => one.textContent ?? "");

for (const scheme of ["light", "dark"] as const) {
  inBrowser(`a run that passed, ${scheme}: lanes, messages, states, and the keyboard moves the moment`, async (t) => {
    const { result, recorder } = recorded(5);
    const { tab, complaints } = await shown(reportPage(result, recorder, "npm run sim -- --seed 5"), scheme);
    t.regex(await text(tab, "h1"), /ok seed 5/);
    t.is(await text(tab, "#again"), "npm run sim -- --seed 5");
    t.is((await tab.$$("#states tbody tr")).length, result.plan.nodes + result.plan.spares);
    t.true((await tab.$$(".life")).length >= result.plan.nodes);
    t.regex(await text(tab, "#chart"), /client 1.*reader/s);
    const before = await text(tab, "#when");
    await tab.keyboard.press("ArrowLeft");
    await tab.waitForFunction(`document.querySelector("#when").textContent !== ${JSON.stringify(before)}`);
    await tab.keyboard.press("Home");
    await tab.waitForFunction(`document.querySelector("#when").textContent.includes("event 1 of")`);
    for (let k = 0; k < 60; k++) await tab.keyboard.press("ArrowRight");
    await tab.keyboard.press("[");
    await tab.waitForSelector(".message");
    t.true((await tab.$$("#lines li")).length > 10);
    t.deepEqual(complaints, []);
    await tab.close();
  });
}

inBrowser("a run that failed: what it says is text, and what led to the end stands out", async (t) => {
  const { result, recorder } = recorded(7);
  const { tab, complaints } = await shown(reportPage(asFailure(result), recorder, "again"), "light");
  t.regex(await text(tab, "h1"), /<b>did<\/b>/);
  t.regex(await text(tab, "#story li:last-child"), /ends in violation, I7/);
  t.true((await tab.$$("#story li")).length <= 14);
  await tab.click("#only");
  await tab.keyboard.press("ArrowLeft");
  await tab.waitForFunction(`document.querySelector("#lines .here").classList.contains("cone")`);
  t.deepEqual(complaints, []);
  await tab.close();
});

test("the page of a long run stays below 2 MB", (t) => {
  let longest = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const { result, recorder } = recorded(seed);
    longest = Math.max(longest, reportPage(asFailure(result), recorder, "again").length);
  }
  t.true(longest < 2_000_000, `${longest} bytes`);
});

function line(kind: Line["kind"], node: number, a: number, message: number): Line {
  return { time: 0, kind, node, a, b: 0, c: 0, message };
}

test("whoever sends or receives is said to run", (t) => {
  for (const seed of [3, 5, 7]) {
    const states = new Map<number, NodeState>();
    for (const one of recorded(seed).lines) {
      if (clientKinds.has(one.kind)) continue;
      const state = after(states.get(one.node) ?? unstarted, one);
      states.set(one.node, state);
      if (one.kind === "send" || one.kind === "receive")
        t.is(state.life, "runs", `seed ${seed}: n${one.node} at ${one.time}`);
    }
  }
});

test("the cone holds what reached the end by messages, and nothing else", (t) => {
  const lines = [
    line("durable", 2, 1, 0),
    line("durable", 3, 1, 0),
    line("send", 2, 1, 1),
    line("durable", 2, 2, 0),
    line("send", 3, 1, 2),
    line("receive", 1, 2, 1),
    line("commit", 1, 1, 0),
  ];
  t.deepEqual([...coneOf(lines, [1])], [1, 0, 1, 0, 0, 1, 1]);
});
