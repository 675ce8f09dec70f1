/** The playground in a real browser: opened as a file, stepped through, changed by hand; and with a mutant in it. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import test, { type ExecutionContext } from "ava";
import type { Browser, Page } from "puppeteer-core";
import { bundleScript } from "../build/bundle.ts";
import { assemblePage } from "../build/page.ts";
import { editsOf } from "../mutation/mutant.ts";
import { mutants } from "../mutation/mutants/all.ts";
import { simulate } from "../sim/run.ts";
import { parseTape } from "../sim/tape.ts";
import { browser } from "./support/browser.ts";

const built = pathToFileURL("dist/sim/playground.html").href;
const folder = mkdtempSync(join(tmpdir(), "metastore-playground-"));
let chromium: Browser | null = null;
test.before(async () => {
  chromium = await browser();
});
test.after.always(async () => {
  await chromium?.close();
  rmSync(folder, { recursive: true });
});

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

async function opened(address: string, width = 1200): Promise<{ tab: Page; complaints: string[] }> {
  const tab = await chromium!.newPage();
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("request", (request) => {
    if (!/^(data|file):/.test(request.url())) complaints.push(request.url());
  });
  await tab.setViewport({ width, height: 900 });
  await tab.setOfflineMode(true);
  await tab.goto(address);
  await tab.waitForSelector('body[data-ready="yes"]');
  return { tab, complaints };
}

const text = (tab: Page, selector: string): Promise<string> => tab.$eval(selector, (one) => one.textContent ?? "");

/** A line has no area that could be clicked by its middle. */
const clickLink = `document.querySelector('[data-a="2"][data-b="3"]').dispatchEvent(new MouseEvent("click", { bubbles: true }))`;

/** All that the page shows of the run. */
async function shown(tab: Page): Promise<string[]> {
  const places = ["#when", "#what", "#ring", "#logs", "#lines", "#flying", "#answers"];
  return Promise.all(places.map((place) => tab.$eval(place, (one) => one.innerHTML)));
}

async function steps(tab: Page, key: "ArrowLeft" | "ArrowRight", count: number): Promise<string[][]> {
  const found: string[][] = [];
  for (let k = 0; k < count; k++) {
    await tab.keyboard.press(key);
    found.push(await shown(tab));
  }
  return found;
}

inBrowser("it opens from a file, offline, and steps back and on show the same", async (t) => {
  const { tab, complaints } = await opened(built);
  t.regex(await text(tab, "#law"), /22 safety laws hold after every event/);
  t.regex(await text(tab, "#logs"), /n1leader/);
  const first = await shown(tab);
  const on = await steps(tab, "ArrowRight", 10);
  t.is(new Set(on.map(String)).size, 10);
  const back = await steps(tab, "ArrowLeft", 10);
  t.deepEqual(back, [...on.slice(0, -1).toReversed(), first]);
  t.deepEqual(await steps(tab, "ArrowRight", 10), on);
  await tab.click("#first");
  t.regex(await text(tab, "#when"), /event 0$/);
  t.deepEqual(complaints, []);
  await tab.close();
});

inBrowser("a link is cut, the leader is killed, a write is answered; link and tape are the same run", async (t) => {
  const { tab, complaints } = await opened(built);
  await tab.evaluate(clickLink);
  t.regex(await text(tab, "#ring"), /link n2 – n3: cut/);
  await tab.evaluate(clickLink);
  t.notRegex(await text(tab, "#ring"), /: cut/);
  await tab.click('[data-deed="kill"]');
  t.regex(await text(tab, "#logs"), /n1down/);
  await tab.click('[data-until="leader"]');
  const leader = /n([23])leader/.exec(await text(tab, "#logs"))![1]!;
  await tab.click(`#ring [data-node="${leader}"]`);
  await tab.click("#request button");
  t.regex(await text(tab, "#answers"), /put x = 1 at n\d: no answer yet/);
  await tab.click('[data-until="return"]');
  t.regex(await text(tab, "#answers"), /put x = 1 at n\d: ok, revision \d/);
  await tab.click('[data-node="1"]:not(.log-row)');
  await tab.click('[data-deed="start"]');
  await tab.click('[data-until="second"]');
  t.regex(await text(tab, "#logs"), /n1follower/);
  t.is((await tab.$$("#deeds li")).length, 5);
  const before = await shown(tab);
  const address = await tab.evaluate("location.href");
  const again = await opened(address as string);
  t.deepEqual(await shown(again.tab), before);
  await again.tab.close();
  await tab.bringToFront();
  await tab.click('[data-until="end"]');
  // Without a clipboard the text is in the form.
  await tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  await tab.click("#tape");
  await tab.waitForFunction('document.querySelector("#text").value !== ""');
  const copied = await tab.$eval("#text", (one) => (one as unknown as { value: string }).value);
  const { plan, decisions: given, interventions } = parseTape(copied);
  t.is(interventions!.length, 5);
  const { events } = simulate(plan, {
    print: null,
    invariants: true,
    given,
    interventions: interventions!,
    safetyOnly: true,
  });
  t.regex(await text(tab, "#when"), new RegExp(`event ${events}$`));
  await tab.click("#begin button");
  t.is((await tab.$$("#deeds li")).length, 5);
  t.deepEqual([...complaints, ...again.complaints], []);
  await tab.close();
});

inBrowser("a wrong tape is refused with a reason, and a seed with streams is shown", async (t) => {
  const { tab, complaints } = await opened(`${built}#seed=7&at=3000`);
  t.regex(await text(tab, "#when"), /event 3000$/);
  await tab.select("#kind", "tape");
  await tab.type("#text", "{}");
  await tab.click("#begin button");
  t.regex(await text(tab, "#trouble"), /not a tape: it is no tape of version/);
  t.regex(await text(tab, "#when"), /event 3000$/);
  t.deepEqual(complaints, []);
  await tab.close();
});

/** The page with a mutant planted in the sources that it is made of. */
async function withMutant(name: string): Promise<string> {
  const mutant = mutants.find((one) => one.name === name)!;
  mkdirSync(join(folder, "pages/playground"), { recursive: true });
  const script = await bundleScript("pages/playground/page.ts", editsOf(mutant));
  writeFileSync(join(folder, "pages/playground/page.js"), script);
  const file = join(folder, "mutant.html");
  writeFileSync(file, assemblePage("pages/playground/page.html", folder));
  return pathToFileURL(file).href;
}

inBrowser("a planted bug: the law that it breaks is told, and back is before it", async (t) => {
  const { tab, complaints } = await opened(`${await withMutant("quorum of ceil(n/2)")}#seed=1&at=0`);
  t.regex(await text(tab, "#law"), /22 safety laws hold after every event/);
  await tab.click('[data-until="end"]');
  t.regex(await text(tab, "#law"), /Law broken\. I7 commit quorum: n\d commits entry .*The law: .*Raft paper/s);
  t.true(await tab.$eval("#on", (one) => (one as unknown as { disabled: boolean }).disabled));
  await tab.click("#back");
  t.regex(await text(tab, "#law"), /22 safety laws hold after every event/);
  await tab.click("#on");
  t.regex(await text(tab, "#law"), /I7 commit quorum/);
  t.deepEqual(complaints, []);
  await tab.close();
});

inBrowser("on a phone nothing scrolls sideways", async (t) => {
  for (const hash of ["", "#calm=7&seed=3", "#seed=7&at=2000"]) {
    const { tab, complaints } = await opened(`${built}${hash}`, 375);
    t.true(((await tab.evaluate("document.documentElement.scrollWidth")) as number) <= 375, hash);
    t.deepEqual(complaints, []);
    await tab.close();
  }
});

test("the page is one file below 1 MB", (t) => {
  t.true(statSync("dist/sim/playground.html").size < 1_000_000);
});

function sim(path: string, ...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((done) => {
    const env = { ...process.env, PATH: path };
    const child = execFile(
      process.execPath,
      [resolve("dist/sim/main.js"), ...args],
      { cwd: folder, env },
      (_, out, err) => done({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

test("--open says where the page is, opens it where the machine can, and puts a tape into a copy of it", async (t) => {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const called = join(folder, "called");
  writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\necho "$1" > ${called}\n`);
  chmodSync(join(bin, "xdg-open"), 0o755);
  const none = join(folder, "none");
  const calm = await sim(none, "--open");
  t.is(calm.code, 0, calm.err);
  t.regex(calm.out, /^playground: file:\/\/\S+playground\.html$/m);
  if (process.platform === "linux") {
    t.regex(calm.out, /xdg-open found no browser: open that address/);
    const seed = await sim(bin, "--open", "--seed", "7");
    t.notRegex(seed.out, /found no browser/);
    const given = readFileSync(called, "utf8").trim();
    t.regex(given, /^file:\/\/\S+\/sim-failures\/seed-7\.playground\.html$/);
    t.true(seed.out.includes(`playground: ${given}\n`));
    t.true(existsSync(new URL(given)));
    writeFileSync(join(bin, "xdg-open"), "#!/bin/sh\nexit 3\n");
    t.regex((await sim(bin, "--open")).out, /xdg-open found no browser/);
  }
  const drawn = await sim(none, "--open", "--seed", "7", "--only", "loss");
  t.is(drawn.code, 0, drawn.err);
  const page = readFileSync(join(folder, "sim-failures/seed-7.only-loss.playground.html"), "utf8");
  const data = /id="data">\s*("(?:[^"\\]|\\.)*")\s*<\/script>/.exec(page)![1]!;
  const { plan, decisions } = parseTape(JSON.parse(data) as string);
  t.is(decisions, null);
  t.deepEqual(
    Object.entries(plan.faults).filter(([name, ppm]) => ppm > 0 && name !== "loss"),
    [],
  );
  for (const args of [
    ["--open", "--seeds", "1..2"],
    ["--open", "--seed", "1", "--trace"],
    ["--open", "--tier", "b"],
    ["--open", "--tape", "nowhere.json"],
  ]) {
    const wrong = await sim(none, ...args);
    t.is(wrong.code, 2, args.join(" "));
    t.is(wrong.err.trim().split("\n").length, 1);
  }
});
