/** The docs against the tree: links, the files that they name, flags, codes of the API, laws, families, and sizes. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import { faultFamilies } from "../sim/plan/families.ts";
import { laws } from "../sim/laws.ts";
import { summaryFile, summaryIn, tableFile } from "../mutation/table.ts";

type Page = { readonly path: string; readonly text: string };

const names = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".md"));
const pages: readonly Page[] = [
  ...names("."),
  ...names("docs").map((name) => join("docs", name)),
  "bench/RESULTS.md",
  "chaos/mutants.md",
].map((path) => ({ path, text: readFileSync(path, "utf8") }));

function textOf(path: string): string {
  return pages.find((page) => page.path === path)!.text;
}

/** Where the paths of a page begin, besides the project's root. */
const roots: Readonly<Record<string, readonly string[]>> = { "docs/checker.md": ["checker"] };

/** Links that lead nowhere. */
function deadLinks({ path, text }: Page): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!.split("#")[0]!);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(dirname(path), target)))
    .map((target) => `${path} links to ${target}`);
}

/** Paths in backticks that are not there: of folders by their slash, of files by their ending. */
function missingPaths({ path, text }: Page): string[] {
  const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g)].map(([, one]) => one!);
  const paths = named.filter((one) => one.includes("/") && (/\.(ts|md|json|yml)$/.test(one) || one.endsWith("/")));
  return paths
    .filter((one) => !["", ...(roots[path] ?? [])].some((root) => existsSync(join(root, one))))
    .map((one) => `${path} names ${one}`);
}

/** What a program or an operator makes, or a folder inside a folder that the same line names. */
const notOfTheTree =
  / names (sim-failures|sim-campaign|DIR|dist|cluster|data|engines|formats|view|cli|wal|snap|metaStore-1(-snap)?)\//;

test("every link leads to a file", (t) => {
  t.deepEqual(pages.flatMap(deadLinks), []);
});

test("every path that is named is there", (t) => {
  const missing = pages.flatMap(missingPaths).filter((line) => !notOfTheTree.test(line));
  t.deepEqual(missing, []);
});

test("what the pages of docs/ link to is in the package", (t) => {
  const { files } = JSON.parse(readFileSync("package.json", "utf8")) as { files: readonly string[] };
  // npm adds the README by itself.
  const isPacked = (path: string): boolean =>
    path === "README.md" || files.some((one) => `${path}/`.startsWith(`${one}/`));
  for (const { path, text } of pages.filter((page) => page.path.startsWith("docs/"))) {
    const targets = [...text.matchAll(/\]\(([^)\s#]+)/g)].map(([, target]) => target!);
    const inside = targets.filter((target) => !/^[a-z]+:/.test(target)).map((target) => join(dirname(path), target));
    t.deepEqual(
      inside.filter((target) => !isPacked(target)),
      [],
      path,
    );
  }
});

test("every npm script that is named is there", (t) => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  for (const { path, text } of pages) {
    for (const [, name] of text.matchAll(/\bnpm run ([\w:-]+)/g))
      t.true(scripts[name!] !== undefined, `${path}: npm run ${name}`);
  }
});

test("a planted link and a planted path are noticed", (t) => {
  const page = {
    path: "docs/planted.md",
    text: "[x](nowhere.md), `core/raft/nothing.ts`, `core/nothing/`, `core/raft/raft.ts`",
  };
  t.is(deadLinks(page).length, 1);
  t.is(missingPaths(page).length, 2);
});

test("every page of docs/ is in its README, and the reasons are numbered without a gap", (t) => {
  for (const { path } of pages.filter((page) => /^docs\/(?!README)/.test(page.path)))
    t.true(textOf("docs/README.md").includes(`(${path.slice(5)})`), path);
  const numbers = [...textOf("docs/architecture.md").matchAll(/^\*\*D(\d+)\. /gm)].map(([, number]) => Number(number));
  t.true(numbers.length > 0);
  t.deepEqual(
    numbers,
    [...numbers.keys()].map((k) => k + 1),
  );
  const last = `D${numbers.length}`;
  for (const path of ["docs/architecture.md", "docs/README.md"])
    t.regex(textOf(path), new RegExp(`D\\d+ to ${last}\\b`), `${path} says how many there are`);
});

test("SIMULATION.md has at most 20 KB, every law by its name, and every family of faults", (t) => {
  const text = textOf("SIMULATION.md");
  t.true(Buffer.byteLength(text) <= 20_000, `${Buffer.byteLength(text)} bytes`);
  for (const [law, { name }] of Object.entries(laws)) t.true(text.includes(`${law} ${name}`), `${law} ${name}`);
  const faults = /^## Faults\n([^]*?)^## /m.exec(text)![1]!;
  const bold = [...faults.matchAll(/\*\*(\w+)\*\*/g)].map(([, name]) => name!);
  t.deepEqual(bold.toSorted(), faultFamilies.toSorted());
});

test("the summary of the mutants is the one of their table", (t) => {
  const summary = summaryIn(textOf(summaryFile));
  t.regex(summary, /^\d+ of \d+ noticed by seeds/);
  t.true(textOf(tableFile).split("\n").includes(summary));
});

test("operation.md has every flag with its default, and no other", (t) => {
  const source = readFileSync("server/flags.ts", "utf8");
  const valued = [...source.matchAll(/^ {2}"?([a-z-]+)"?: \{ default: "([^"]*)"/gm)];
  const switches = [...source.matchAll(/^ {2}"?([a-z-]+)"?: "/gm)].map(([, name]) => [name!, "off"] as const);
  const flags = [...valued.map(([, name, value]) => [name!, value!] as const), ...switches];
  t.true(flags.length > 15);
  const rows = [...textOf("docs/operation.md").matchAll(/^\| `--([a-z-]+)` +\| ([^|]*?) +\|/gm)];
  const told = new Map(rows.map(([, name, value]) => [name!, value!.replaceAll("`", "").trim()]));
  t.deepEqual([...told].map(String).toSorted(), flags.map(String).toSorted());
});

test("operation.md has every code of /readyz, api.md every code of an error, and no other", (t) => {
  const readiness = readFileSync("core/node/readiness.ts", "utf8");
  const phases = [...readiness.matchAll(/^ {2}([a-z]+): "The node/gm)].map(([, code]) => code!);
  const notReady = [...readiness.matchAll(/notReady\("([a-z-]+)"/g)].map(([, code]) => code!);
  const table = /^## Ready or not\n([^]*?)^## /m.exec(textOf("docs/operation.md"))![1]!;
  const rows = [...table.matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([a-z-]+)`/g)]);
  t.deepEqual(
    [...new Set(rows.map(([, code]) => code!))].toSorted(),
    [...new Set([...phases, ...notReady])].toSorted(),
  );

  const sources = readdirSync("server/api").map((name) => readFileSync(join("server/api", name), "utf8"));
  const source = [
    ...sources,
    ...["http-server.ts", "http-refusal.ts"].map((name) => readFileSync(`server/${name}`, "utf8")),
  ].join("\n");
  const codes = [
    ...source.matchAll(/(?:badRequest|wrong)\(\s*"([a-z-]+)"/g),
    ...source.matchAll(/\bcode: "([a-z-]+)"/g),
    ...source.matchAll(/refused\(\s*\d+, "([a-z-]+)"/g),
    ...source.matchAll(/^ {2}"?(?!detail)([a-z-]+)"?: (?:\{(?: status:|$)|"[A-Z])/gm),
  ].map(([, code]) => code!);
  const errors = /^## Errors\n([^]*)/m.exec(textOf("docs/api.md"))![1]!;
  const cells = [...errors.matchAll(/^\| \d{3} +\|(.*)\|$/gm)].flatMap(([, cell]) => [
    ...cell!.matchAll(/`([a-z-]+)`/g),
  ]);
  t.deepEqual([...new Set(cells.map(([, code]) => code!))].toSorted(), [...new Set(codes)].toSorted());
});
