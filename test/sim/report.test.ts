/** The page about a run, in a real browser: what it shows, by keyboard too, offline, light and dark, on a phone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Browser, Page } from "puppeteer-core";
import { laws } from "../../sim/laws.ts";
import { planOf } from "../../sim/plan/plan.ts";
import { coneOf } from "../../sim/report/cone.ts";
import { referencedLaws } from "../../sim/report/law-words.ts";
import { emptyLog, noted } from "../../sim/report/logs.ts";
import { oddsOf } from "../../sim/report/odds.ts";
import type { PageData } from "../../sim/report/page-data.ts";
import { reportPage } from "../../sim/report/page.ts";
import { after, clientKinds, type NodeState, unstarted } from "../../sim/report/states.ts";
import { storyOf } from "../../sim/report/story.ts";
import { type Result, simulate, simulateSeed } from "../../sim/run.ts";
import { Simulator } from "../../sim/simulator.ts";
import { type Line, Recorder } from "../../sim/trace/recorder.ts";
import { browser } from "../support/browser.ts";

let chromium: Browser | null = null;
test.before(async () => {
  chromium = await browser();
});
test.after.always(() => chromium?.close());

type Recorded = { readonly result: Result; readonly recorder: Recorder };

/** By seed: most tests look at the same runs, and change none. */
const known = new Map<number, Recorded>();

function recorded(seed: number): Recorded {
  const before = known.get(seed);
  if (before !== undefined) return before;
  const recorder = new Recorder();
  const result = simulateSeed(seed, { print: null, invariants: true, recorder });
  known.set(seed, { result, recorder });
  return { result, recorder };
}

/** As if it had failed: a page of a failure needs no bug in the product. */
function asFailure(result: Result, message = "n1 <b>did</b> what it must not"): Result {
  return { ...result, verdict: "violation", property: "I7", message };
}

function dataOf(page: string): PageData {
  return JSON.parse(/id="data">\s*([^<]*)<\/script>/.exec(page)![1]!) as PageData;
}

async function opened(scheme: "light" | "dark", width: number): Promise<{ tab: Page; complaints: string[] }> {
  const tab = await chromium!.newPage();
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("request", (request) => {
    if (!/^(data|file):|^about:blank/.test(request.url())) complaints.push(request.url());
  });
  await tab.setViewport({ width, height: 900 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.setOfflineMode(true);
  return { tab, complaints };
}

async function shown(content: string, scheme: "light" | "dark", width = 1200): ReturnType<typeof opened> {
  const { tab, complaints } = await opened(scheme, width);
  await tab.setContent(content);
  await tab.waitForSelector('body[data-ready="yes"]');
  return { tab, complaints };
}

function inBrowser(name: string, run: (t: ExecutionContext) => Promise<void>): void {
  test.serial(name, async (t) => {
    t.timeout(300_000);
    if (chromium === null) {
      t.log("not run: this machine has no Chromium (Debian: chromium; or name one by CHROMIUM)");
      return t.pass();
    }
    return run(t);
  });
}

const text = (tab: Page, selector: string): Promise<string> => tab.$eval(selector, (one) => one.textContent ?? "");

/** Does it, and waits until another moment is shown. */
async function moves(tab: Page, act: () => Promise<unknown>): Promise<string> {
  const before = await text(tab, "#when");
  await act();
  await tab.waitForFunction(`document.querySelector("#when").textContent !== ${JSON.stringify(before)}`);
  return text(tab, "#when");
}

inBrowser("a run that passed: lanes, messages, states, and keys and buttons move the moment", async (t) => {
  const { result, recorder } = recorded(5);
  const { tab, complaints } = await shown(reportPage(result, recorder, "npm run sim -- --seed 5"), "light");
  t.regex(await text(tab, "h1"), /ok seed 5/);
  t.is(await text(tab, "#again"), "npm run sim -- --seed 5");
  t.is((await tab.$$("#states tbody tr")).length, result.plan.nodes + result.plan.spares);
  t.true((await tab.$$(".life")).length >= result.plan.nodes);
  t.regex(await text(tab, "#chart"), /client 1.*reader/s);
  await moves(tab, () => tab.keyboard.press("ArrowLeft"));
  t.regex(await moves(tab, () => tab.keyboard.press("Home")), /event 1 of/);
  await moves(tab, () => tab.keyboard.press("e"));
  t.regex(await text(tab, "#what"), /is leader in term/);
  await moves(tab, () => tab.click('[data-go="commit"][data-by="1"]'));
  t.regex(await text(tab, "#what"), /commits up to/);
  await moves(tab, () => tab.click("#on"));
  await tab.keyboard.press("[");
  await tab.waitForSelector(".message");
  t.true((await tab.$$("#lines li")).length > 10);
  await moves(tab, () => tab.click("#chart"));
  await moves(tab, () => tab.click("#story button"));
  t.regex((await tab.evaluate("location.hash")) as string, /^#t=\d+\.\d{6},\d+$/);
  await moves(tab, () => tab.click("#play"));
  t.deepEqual(complaints, []);
  await tab.close();
});

inBrowser("a run that failed: what it says is text, and what led to the end stands out", async (t) => {
  const { result, recorder } = recorded(7);
  const { tab, complaints } = await shown(reportPage(asFailure(result), recorder, "again"), "light");
  t.regex(await text(tab, "h1"), /I7 commit quorum: n1 <b>did<\/b>/);
  t.regex(await text(tab, ".law"), /durable on a quorum.*Raft paper/s);
  t.regex(await text(tab, "#story li:last-child"), /what it must not/);
  t.true((await tab.$$("#story li")).length <= 15);
  await tab.click("#only");
  await tab.keyboard.press("ArrowLeft");
  await tab.waitForFunction(`document.querySelector("#lines .here").classList.contains("cone")`);
  t.deepEqual(complaints, []);
  await tab.close();
});

/** What a node said of itself at the end of a turn: after `line`, its log's terms from `base` + 1 on. */
type Said = { line: number; node: number; base: number; terms: number[]; durable: number; term: number; vote: number };

/** The first seconds of a seed, and what its nodes were at the end of each of their turns, by their own word. */
function watched(seed: number): Recorded & { said: Said[] } {
  const recorder = new Recorder();
  const plan = { ...planOf(seed), safetyMicros: 6_000_000 };
  const simulator = new Simulator(plan, { print: null, invariants: true, recorder });
  const said: Said[] = [];
  simulator.bus.subscribe({
    turnEnded: ({ id, node }) => {
      const raft = node?.replica?.raft;
      if (raft === undefined) return;
      const { baseIndex: base, lastIndex, durableIndex: durable } = raft.log;
      const terms = Array.from({ length: lastIndex - base }, (_, k) => raft.log.termAt(base + 1 + k));
      said.push({ line: recorder.lines.length - 1, node: id, base, terms, durable, term: raft.term, vote: raft.vote });
    },
  });
  simulator.startAll();
  simulator.addClients(plan.clients);
  simulator.runUntil(plan.safetyMicros);
  const result = { ...simulateSeed(1, { print: null, invariants: true, safetyOnly: true }), plan, history: [] };
  // The page shows the last of several turns before the next line.
  const last = said.filter(
    (one, k) => !said.slice(k + 1, k + 40).some(({ line, node }) => node === one.node && line === one.line),
  );
  return { result, recorder, said: last };
}

test.serial("the logs of a page are what each node said of itself at that time", (t) => {
  let turns = 0;
  for (const seed of [2, 5, 11, 14, 17]) {
    const { result, recorder, said } = watched(seed);
    const data = dataOf(reportPage(result, recorder, "again"));
    const logs = [...data.initialLogs];
    let next = 0;
    for (const one of said) {
      if (one.line < data.from) continue;
      for (; next < data.notes.length && data.notes[next]![0] <= one.line - data.from; next++) {
        const note = data.notes[next]!;
        logs[note[1] - 1] = noted(logs[note[1] - 1]!, note);
      }
      const log = logs[one.node - 1]!;
      const at = `seed ${seed}, n${one.node} after line ${one.line}`;
      t.deepEqual(
        log.entries.map((entry) => data.entries[entry]!.slice(0, 2)),
        one.terms.map((term, k) => [one.base + 1 + k, term]),
        at,
      );
      t.deepEqual([log.base, log.term, log.vote], [one.base, one.term, one.vote], at);
      t.true(log.durable >= Math.min(one.durable, one.base + one.terms.length), `${at}: durable`);
    }
    turns += said.length;
  }
  t.true(turns > 1_000, `${turns} turns`);
});

inBrowser("the boxes at a moment are the node's log then, and #t= opens the page there", async (t) => {
  const { result, recorder, said } = watched(5);
  const folder = mkdtempSync(join(tmpdir(), "metastore-report-"));
  try {
    const file = join(folder, "page.html");
    writeFileSync(file, reportPage(result, recorder, "again"));
    const { tab, complaints } = await opened("light", 1400);
    for (const share of [0.3, 0.6, 0.95]) {
      const { line, node, base, terms, term } = said[Math.floor(said.length * share)]!;
      const { time } = recorder.lines[line]!;
      const nth = line - recorder.lines.findIndex((one) => one.time === time) + 1;
      await tab.goto("about:blank");
      await tab.goto(`file://${file}#t=${(time / 1e6).toFixed(6)},${nth}`);
      await tab.waitForFunction(`document.querySelector("#when").textContent.includes("event ${line + 1} of")`);
      const row = `[data-node="${node}"]`;
      const boxes = await tab.$$eval(`${row} [data-index]`, (all) =>
        all.map((one) => [Number(one.getAttribute("data-index")), Number(one.textContent)]),
      );
      t.true(boxes.length > 0 || terms.length === 0);
      for (const [index, shownTerm] of boxes) t.is(shownTerm, terms[index! - base - 1], `n${node}, entry ${index}`);
      t.regex(await text(tab, `${row} .hard`), new RegExp(`^term ${term} .*last \\(${base + terms.length}, `));
    }
    t.deepEqual(complaints, []);
    await tab.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The lowest contrast of a text on what is behind it, by WCAG 2, of the elements selected; evaluated in the page. */
const contrastScript = `(() => {
  const parts = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (parts(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const one of document.querySelectorAll("h1, .law, .muted:not(text), #story li, #story button, .box, .badge, .hard, .undurable, .index, .legend, #lines button, td, th")) {
    if (one.textContent.trim() === "") continue;
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(one.className + " " + one.textContent.slice(0, 30) + ": " + ratio.toFixed(2));
  }
  return [...new Set(found)];
})()`;

for (const scheme of ["light", "dark"] as const) {
  inBrowser(`every text can be read, ${scheme}`, async (t) => {
    const { result, recorder } = recorded(7);
    const { tab, complaints } = await shown(reportPage(asFailure(result), recorder, "again"), scheme);
    for (const key of ["End", "Home", "e", "f"] as const) {
      await tab.keyboard.press(key);
      await tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
      t.deepEqual(await tab.evaluate(contrastScript), [], key);
    }
    t.deepEqual(complaints, []);
    await tab.close();
  });
}

inBrowser("on a phone nothing scrolls sideways", async (t) => {
  for (const seed of [5, 7]) {
    const { result, recorder } = recorded(seed);
    const page = reportPage(asFailure(result, `n1 ${"x".repeat(200)}`), recorder, `npm ${"y".repeat(200)}`);
    const { tab, complaints } = await shown(page, "light", 375);
    t.true(((await tab.evaluate("document.documentElement.scrollWidth")) as number) <= 375);
    t.deepEqual(complaints, []);
    await tab.close();
  }
});

test.serial("the page of a long run stays below 2 MB", (t) => {
  let longest = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const { result, recorder } = recorded(seed);
    longest = Math.max(longest, reportPage(asFailure(result), recorder, "again").length);
  }
  t.log(`the longest has ${longest} bytes`);
  t.true(longest < 2_000_000, `${longest} bytes`);
});

test.serial("a run is the same with a recorder and without", (t) => {
  for (const seed of [3, 8]) {
    const without = simulateSeed(seed, { print: null, invariants: true });
    t.is(recorded(seed).result.traceHash, without.traceHash);
  }
});

test.serial("a story of each kind leads to the end, step by step, at lines of the trace", (t) => {
  const { result, recorder } = recorded(5);
  const inCone = new Uint8Array(recorder.lines.length).fill(1);
  for (const message of [
    "n2 tells n1 of a vote in term 1 that is not durable",
    "n1 and n2 both lead term 1",
    "n1 leads term 1 without a quorum of durable votes",
    "n1 votes for n2, whose log ends at (2, term 1), its own at (3, term 1)",
    "n1 leads term 2 without the committed entry 2",
    "n1 leads term 2 while n2 has a lease",
    "n2 acknowledges entry 3, but only 2 are durable",
    "n1 commits entry 3, which is durable only on 1",
    "n1 commits entry 2 of term 1 by counting in term 2",
    "n1 overwrites entry 3, which is committed",
    "client 1's get is answered at revision 2, but 3 was committed when it was called",
    "a read is answered at revision 2, but 3 was committed when it was called",
    "n1: something that no pattern knows",
  ]) {
    const told = { result: asFailure(result, message), recorder, inCone, judged: null, core: [] };
    const causes = storyOf(told);
    t.true(causes.length >= 2, message);
    t.is(causes.at(-1)!.text, `${message}.`);
    for (const { line, text: said } of causes) {
      t.true(line === null || recorder.lines[line] !== undefined, said);
      t.notRegex(said, /undefined|NaN|null/, message);
    }
  }
});

test.serial("every reference is a known law's", (t) => {
  for (const law of referencedLaws) t.true(law in laws || law === "linearizability", law);
});

test.serial("when a failure became inevitable is the same each time, and counts the law that broke", (t) => {
  const plan = { ...planOf(5), safetyMicros: 900_000 };
  const recorder = new Recorder();
  const result = simulate(plan, { print: null, invariants: true, keepsDecisions: true, safetyOnly: true, recorder });
  const odds = oddsOf(asFailure(result), recorder)!;
  t.deepEqual(oddsOf(asFailure(result), recorder), odds);
  t.true(odds.points.length >= 8 && odds.points.length <= 40);
  t.true(odds.points.every(({ failed }) => failed === 0));
  t.is(oddsOf(result, recorder), null);
});

function lineOf(kind: Line["kind"], node: number, a: number, message: number): Line {
  return { time: 0, kind, node, a, b: 0, c: 0, message };
}

test.serial("whoever sends or receives is said to run", (t) => {
  for (const seed of [3, 5, 7]) {
    const states = new Map<number, NodeState>();
    for (const one of recorded(seed).recorder.lines) {
      if (clientKinds.has(one.kind)) continue;
      const state = after(states.get(one.node) ?? unstarted, one);
      states.set(one.node, state);
      if (one.kind === "send" || one.kind === "receive")
        t.is(state.life, "runs", `seed ${seed}: n${one.node} at ${one.time}`);
    }
  }
});

test.serial("the cone holds what reached the end by messages, and nothing else", (t) => {
  const lines = [
    lineOf("durable", 2, 1, 0),
    lineOf("durable", 3, 1, 0),
    lineOf("send", 2, 1, 1),
    lineOf("durable", 2, 2, 0),
    lineOf("send", 3, 1, 2),
    lineOf("receive", 1, 2, 1),
    lineOf("commit", 1, 1, 0),
  ];
  t.deepEqual([...coneOf(lines, [1])], [1, 0, 1, 0, 0, 1, 1]);
});

test.serial("a log that is cut and goes on otherwise keeps what was before", (t) => {
  const first = noted(emptyLog, [0, 1, [0, 0, 0, 7, 8, 9], 2, [1, 1, 1, 0]]);
  const second = noted(first, [4, 1, [0, 0, 1, 10], null, 0]);
  t.deepEqual(second.entries, [7, 10]);
  t.deepEqual(noted(second, [5, 1, [1, 1, 2], null, 0]).entries, [10]);
});
