/**
 * What the simulator's command says, as transcripts: each `$ command` with its output. After a change of words
 * `UPDATE_TRANSCRIPTS=1 npx ava dist/test/sim/console.test.js` fills in the output; the difference is to be read.
 */
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { columns } from "../../sim/cli/lines.ts";
import { withMutant } from "../../mutation/scratch.ts";
import { mutants } from "../../mutation/mutants/all.ts";

const folder = resolve("test/sim/transcripts");
/** Of two nodes that elect one: nothing else is asked of them. */
const tape = "two-nodes.tape.json";

/** What a command says and ends with; words that depend on the machine are left out. */
type Told = { readonly lines: readonly string[] };

function sim(main: string, args: readonly string[], cwd: string): Promise<Told> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [main, ...args], { cwd }, (_error, out, err) => {
      const said = out.trimEnd().split("\n");
      const complaints = err.split("\n").filter((line) => line.startsWith("sim: "));
      const lines = [...said, ...complaints, `[exit ${child.exitCode}]`].map((line) =>
        line
          .replace(/in [\d.]+ s and/, "in # s and")
          .replace(/\[default: \d+\]$/, "[default: #]")
          .trimEnd(),
      );
      done({ lines: lines.filter((line, k) => k > 0 || line !== "") });
    });
  });
}

async function told(main: string, command: string, cwd: string): Promise<readonly string[]> {
  const [name, ...args] = command.split(" ");
  if (name === "sim") return (await sim(main, args, cwd)).lines;
  const target = join(cwd, args[0]!);
  if (name === "ls") return readdirSync(target).toSorted();
  // A file in the place of a folder: nothing can be written below it, not even by root.
  if (name === "block") {
    rmSync(target, { recursive: true, force: true });
    writeFileSync(target, "");
    return [];
  }
  throw new Error(`"${command}" is no command of a transcript`);
}

/** `text` with the output of each command below it; lines before the first command stay. */
async function filledIn(text: string, main: string, cwd: string): Promise<string> {
  const lines: string[] = [];
  let isOutput = false;
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith("$ ")) {
      lines.push(...(isOutput ? [""] : []), line, ...(await told(main, line.slice(2), cwd)));
      isOutput = true;
    } else if (!isOutput) lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

async function transcript(name: string, main: string): Promise<{ before: string; after: string; tape: string }> {
  const cwd = mkdtempSync(join(tmpdir(), "metastore-console-"));
  try {
    copyFileSync(join(folder, tape), join(cwd, tape));
    const path = join(folder, name);
    const before = readFileSync(path, "utf8");
    const after = await filledIn(before, main, cwd);
    if (process.env["UPDATE_TRANSCRIPTS"] === "1") writeFileSync(path, after);
    return { before, after, tape: readFileSync(join(cwd, tape), "utf8") };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

test.serial("a run that is good, and what is asked wrongly", async (t) => {
  const { before, after } = await transcript("good.txt", resolve("dist/sim/main.js"));
  t.is(after, before);
});

test.serial(
  "a run that fails: every line fits, no tape is overwritten, and it ends with what to type next",
  async (t) => {
    const mutant = mutants.find(({ name }) => name === "quorum of ceil(n/2)")!;
    await withMutant(mutant, async (scratch) => {
      const { before, after, tape: left } = await transcript("failing.txt", join(scratch, "sim/main.js"));
      t.is(after, before);
      t.is(left, readFileSync(join(folder, tape), "utf8"));
      for (const line of after.split("\n")) t.true(line.length <= columns, line);
      const ends = [...after.matchAll(/^(.*)\n\[exit [13]\]$/gm)].map(([, line]) => line!);
      t.true(ends.length >= 4);
      for (const line of ends) t.regex(line, /^(next: npm run sim -- --|sim: .* cannot be written)/);
    });
  },
);
