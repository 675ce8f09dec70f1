/** A test of the source itself: who may import whom, where the ambient world may be touched, and how long a file may be. */
import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { codeOf, filesImportedBy, packagesImportedBy, type Source, sources } from "./support/sources.ts";

const folders = [
  "core",
  "sim",
  "checker",
  "server",
  "bench",
  "chaos",
  "mutation",
  "pages",
  "build",
  "examples",
  "test",
] as const;
type Folder = (typeof folders)[number];

/** Which of our folders each may import, and which packages. */
const mayImport: Readonly<Record<Folder, { readonly ours: readonly Folder[]; readonly packages: RegExp }>> = {
  core: { ours: ["core"], packages: /^sorted-btree$/ },
  checker: { ours: ["checker"], packages: /^$/ },
  sim: { ours: ["core", "checker", "sim"], packages: /^(seedrandom\/lib\/alea\.js|yargs)$/ },
  server: {
    ours: ["core", "server"],
    packages: /^(hono|@hono\/node-server|yargs|level-rocksdb|@nxtedition\/rocksdb|fs-native-extensions)$/,
  },
  chaos: { ours: ["core", "checker", "sim", "chaos"], packages: /^seedrandom\/lib\/alea\.js$/ },
  // It reads the product as text, and runs it and its tests as processes.
  mutation: { ours: ["sim", "mutation"], packages: /^(@typescript\/typescript6|yargs)$/ },
  // Of the others only types and what is free of the machine: a page's script runs in a browser.
  pages: { ours: ["checker", "sim", "pages"], packages: /^$/ },
  build: { ours: ["build"], packages: /^esbuild$/ },
  // An example sees what anybody sees who has installed the package.
  examples: { ours: [], packages: /^metastore\/(checker|core)$/ },
  bench: { ours: [...folders], packages: /./ },
  test: { ours: [...folders], packages: /./ },
};

const ambient =
  /from "node:|\bprocess\.|\bset(Timeout|Interval|Immediate)\(|\bqueueMicrotask\(|\bDate\b|\bMath\.random\b|\bperformance\.|\bcrypto\.|\bBuffer\b/;

function folderOf(path: string): Folder {
  return path.split("/")[0] as Folder;
}

function mayTouchTheMachine(path: string): boolean {
  // ambient.ts is what keeps the others away from it.
  return /^(server|bench|chaos|mutation|build|examples|test)\/|\/main\.ts$|^(sim|checker)\/cli\/|^sim\/ambient\.ts$/.test(
    path,
  );
}

/** Names of before that the glossary (docs/glossary.md) has replaced. */
const replacedNames = new RegExp(
  `\\b(${[
    "ForwardGate|ReadRounds|LogBase|LogPlace|RunningHost|JoinedLog|joinLog|foundingBase|NotNow|Depose|Struck|Atlas|Lies",
    "mayStand|mayStandIn|takeOffice|askForElection|electsFrom|mayNotChange|meetMembers|wasAlwaysAlone|promisedAt",
    "toldToStand|hasToldToStand|onKnock|callOut|turnedAway|skippedTo|hopeless|failDisk|thenLeave|parseWish",
    "canSpareRows|canSpareLog|judgeEnding|standClock|vouchedPlace|aimedActions|mintUpTo|wishMicros|idleMarkMicros",
    "Spending|worthwhile|unseenAsOne|Mistake|huntMistake|applyMistake|withMistake",
  ].join("|")})\\b`,
);

/** Turns of phrase that the glossary has replaced, in comments and pages. */
const replacedPhrases =
  /\b(anew|whoever|takes office|purse|vouch(es|ed)?|knocks?|knocked|buried|welcomed|planted bug|stands for election)\b/i;

/** The comments of a source, as they stand there. */
function commentsOf({ text }: Source): string {
  return (text.match(/\/\*[\s\S]*?\*\/|\/\/.*$/gm) ?? []).join("\n");
}

/** What is wrong with one source, in words. */
function complaints(source: Source): string[] {
  const { path, text } = source;
  const found: string[] = [];
  const code = codeOf(source);
  const { ours, packages } = mayImport[folderOf(path)];
  for (const target of filesImportedBy(source))
    if (!ours.includes(folderOf(target))) found.push(`${path} imports ${target}`);
  for (const from of packagesImportedBy(source))
    if (!from.startsWith("node:") && !packages.test(from)) found.push(`${path} imports the package ${from}`);
  const touch = ambient.exec(code);
  if (touch !== null && !mayTouchTheMachine(path)) found.push(`${path} touches the machine: ${touch[0]}`);
  if (path.startsWith("core/") && /\basync\b|\bawait\b|\bPromise\b/.test(code)) found.push(`${path} is asynchronous`);
  const lines = text.split("\n").length - 1;
  if (lines > 400) found.push(`${path} has ${lines} lines`);
  if (/\b(TODO|FIXME|XXX)\b/.test(text)) found.push(`${path} leaves something for later`);
  const replaced = replacedNames.exec(code);
  if (replaced !== null) found.push(`${path} says ${replaced[0]}, which has another name now`);
  const phrase = path.startsWith("test/") ? null : replacedPhrases.exec(commentsOf(source));
  if (phrase !== null) found.push(`${path} says "${phrase[0]}" in a comment: plainer words are in docs/glossary.md`);
  if (/export default/.test(code)) found.push(`${path} has a default export`);
  return found;
}

test("every source keeps to its room", (t) => {
  const all = folders.flatMap(sources);
  t.true(all.length > 60);
  // These plant the very snippets that they look for.
  const planting = ["test/tidy.test.ts", "test/floors.test.ts"];
  t.deepEqual(all.filter(({ path }) => !planting.includes(path)).flatMap(complaints), []);
});

for (const [what, path, text] of [
  ["core reads the clock", "core/raft/bad.ts", "const now = Date.now();"],
  ["core imports node", "core/bad.ts", 'import fs from "node:fs";'],
  ["core is asynchronous", "core/node/bad.ts", "async function f() {}"],
  ["core imports the server", "core/node/bad.ts", 'import { x } from "../../server/disk.ts";'],
  ["the checker imports core", "checker/bad.ts", 'import { assert } from "../core/assert.ts";'],
  ["the simulator draws real chance", "sim/bad.ts", "Math.random();"],
  ["the simulator imports the server", "sim/world/bad.ts", 'import { x } from "../../server/clock.ts";'],
  ["the server imports the simulator", "server/bad.ts", 'import { x } from "../sim/draws.ts";'],
  ["the chaos run imports the server", "chaos/bad.ts", 'import { x } from "../server/start.ts";'],
  ["the mutation run imports the server", "mutation/bad.ts", 'import { x } from "../server/start.ts";'],
  ["the simulator imports the mutation run", "sim/bad.ts", 'import { mutants } from "../mutation/mutants/all.ts";'],
  ["a page's script imports the server", "pages/sim/bad.ts", 'import { x } from "../../server/start.ts";'],
  ["a replaced name", "core/raft/bad.ts", "const electsFrom = 1;"],
  ["a comment in replaced words", "core/raft/bad.ts", "// The vote is asked for anew."],
  ["core imports a package", "core/bad.ts", 'import { Hono } from "hono";'],
] as const) {
  test(`a planted snippet is noticed: ${what}`, (t) => {
    t.is(complaints({ path, text }).length, 1);
  });
}

test("no page says a replaced phrase", (t) => {
  const pages = readdirSync("docs").map((name) => `docs/${name}`);
  for (const path of ["README.md", "SIMULATION.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", ...pages]) {
    // Names of mutants are the keys of what was measured for each.
    if (path === "docs/mutants.md") continue;
    t.is(replacedPhrases.exec(readFileSync(path, "utf8"))?.[0], undefined, path);
  }
});

test("however a node is started, its young generation is small", (t) => {
  const flag = "--max-semi-space-size=4";
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { start: string } };
  t.true(scripts.start.includes(flag));
  t.true(readFileSync("server/main.ts", "utf8").split("\n")[0]!.includes(flag));
  for (const line of readFileSync("Procfile", "utf8").trim().split("\n")) t.true(line.includes(flag));
});
