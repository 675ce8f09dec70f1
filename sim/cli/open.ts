/** `--open`: the playground, the page in which a run is stepped through and changed, in the machine's browser. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { dataHtml } from "../../checker/view/html.ts";
import { type PlanChanges, planOf } from "../plan/plan.ts";
import { printTape, type Tape } from "../tape.ts";
import { nextLine } from "./command.ts";
import { failureDirectory, nameOfSeed, nameOfTape } from "./failure.ts";
import { troubleOf, writeWhole } from "./files.ts";
import { type Options, tapeFrom, UsageError } from "./options.ts";

/** The page that the build has put beside the simulator; it loads nothing. */
const page = new URL("../playground.html", import.meta.url);
const noTape = /(?<=<script type="application\/json" id="data">)\s*null\s*(?=<\/script>)/;

/** What finds no browser has ended by then. */
const openerMs = 1_000;

/** By platform: what opens an address. */
const openers: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["explorer"],
};

/** Prints where the page is, and opens it where the machine can. Returns the exit code. */
export async function openPlayground(
  open: NonNullable<Options["open"]>,
  changes: PlanChanges,
  typed: string,
): Promise<number> {
  const address = addressOf(open, changes, typed);
  console.log(`playground: ${address}`);
  const [command, ...args] = openers[process.platform] ?? ["xdg-open"];
  const isOpened = await new Promise<boolean>((done) => {
    const child = spawn(command, [...args, address], { stdio: "ignore", detached: true });
    child.once("error", () => done(false));
    // A browser that was begun so may run for as long as it likes.
    const timer = setTimeout(() => done(true), openerMs);
    child.once("exit", (code) => done(code === 0 || process.platform === "win32"));
    child.once("close", () => clearTimeout(timer));
    child.unref();
  });
  if (!isOpened) console.log(`  ${command} found no browser: open that address in a browser`);
  console.log(nextLine("--tape FILE"));
  return 0;
}

/** Of the page as it is; of a run, of a copy with its tape in it: what opens a file drops what stands behind its name. */
function addressOf(open: NonNullable<Options["open"]>, changes: PlanChanges, typed: string): string {
  if (open.kind === "calm") return page.href;
  const isSeed = open.kind === "seed";
  const tape: Tape = isSeed ? { plan: planOf(open.seed, changes), decisions: null } : tapeFrom(open.path);
  const name = isSeed ? nameOfSeed(open.seed, typed) : nameOfTape(open.path);
  const file = join(failureDirectory, `${name}.playground.html`);
  const text = readFileSync(fileURLToPath(page), "utf8").replace(noTape, () => dataHtml(printTape(tape)).html);
  const trouble = troubleOf(() => {
    mkdirSync(failureDirectory, { recursive: true });
    writeWhole(file, text);
  });
  if (trouble !== null) throw new UsageError(`${file} cannot be written: ${trouble}`);
  return pathToFileURL(file).href;
}
