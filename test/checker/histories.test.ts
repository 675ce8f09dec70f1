/** docs/histories.md: every file is written, every command and every program is run, and the answers are what the page says. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import ts from "@typescript/typescript6";

type Block = { readonly language: string; readonly file: string | null; readonly text: string };

const page = readFileSync("docs/histories.md", "utf8");
const blocks = [...page.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)].map(([, language, file, text]): Block => ({
  language: language!,
  file: file ?? null,
  text: text!,
}));

/** A folder that can import the package, as a project that has installed it can. */
function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "metastore-histories-"));
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(resolve("."), join(directory, "node_modules", "metastore"));
  return directory;
}

function run(directory: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: "utf8" });
  return stdout + stderr;
}

/** What the block does when it is run in the folder. */
function outputOf(directory: string, { language, text }: Block): string {
  if (language === "sh") {
    const [npx, program, ...args] = text.trim().split(" ");
    if (npx !== "npx" || program !== "metastore-check") throw new Error(`the page runs ${text}`);
    return run(directory, [resolve("dist/checker/main.js"), ...args]);
  }
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  writeFileSync(join(directory, "program.mjs"), ts.transpileModule(text, { compilerOptions: options }).outputText);
  return run(directory, ["program.mjs"]);
}

/** Without what differs from run to run: times, and the width that they take in a table. */
function steady(output: string): string {
  return output
    .replaceAll(/ +\d+(\.\d)? ms(?=;|$|  )/gm, " N ms")
    .replaceAll(/ +time /g, " time ")
    .replaceAll(/ +$/gm, "")
    .trim();
}

test("each command and each program gives the answer that stands behind it", (t) => {
  const directory = folder();
  try {
    let count = 0;
    for (const [k, block] of blocks.entries()) {
      if (block.file !== null) writeFileSync(join(directory, block.file), block.text);
      else if (block.language === "sh" || block.language === "ts") {
        const answer = blocks[k + 1];
        t.is(answer?.language, "text", block.text);
        t.is(steady(outputOf(directory, block)), steady(answer!.text), block.text);
        count += 1;
      } else t.true(block.language === "text" && ["sh", "ts"].includes(blocks[k - 1]!.language), block.text);
    }
    t.true(count >= 12, String(count));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("there is an example of each operation, of each outcome and of a model", (t) => {
  const all = blocks.map(({ text }) => text).join("");
  for (const op of ["get", "put", "delete", "cas", "append", "txn"]) t.true(all.includes(`"op":"${op}"`), op);
  for (const outcome of ["ok", "mismatch", "none", "unknown"]) t.true(all.includes(`"outcome":"${outcome}"`), outcome);
  t.true(all.includes("checkModel("));
});
