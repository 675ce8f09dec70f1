/** The package as its users get it: packed, installed in an empty project, imported, type-checked, and run. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import test from "ava";
import { freePorts } from "../chaos/world/ports.ts";
import { freshDirectory } from "./support/processes.ts";

type Run = { readonly code: number; readonly stdout: string; readonly output: string };

const directory = freshDirectory();
const project = join(directory, "project");
const installed = join(project, "node_modules/metastore");
let tarball = "";

function run(command: string, args: readonly string[], cwd = project): Promise<Run> {
  return new Promise((done) => {
    const child = execFile(command, args, { cwd, maxBuffer: 1 << 26, timeout: 240_000 }, (_, stdout, stderr) => {
      done({ code: child.exitCode ?? -1, stdout, output: stdout + stderr });
    });
  });
}

/** A program of the package, by its name. */
function bin(name: string, ...args: string[]): Promise<Run> {
  return run(join(project, "node_modules/.bin", name), args);
}

test.before("packed, and installed in an empty project", async (t) => {
  t.timeout(300_000);
  // Without scripts: they would build, while other tests run what is built.
  const packed = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", directory], ".");
  t.is(packed.code, 0, packed.output);
  tarball = join(directory, packed.stdout.trim());
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"];
  const install = await run("npm", ["install", ...quiet, tarball]);
  t.is(install.code, 0, install.output);
});
test.after.always(() => rmSync(directory, { recursive: true, force: true }));

test("publint finds nothing in the tarball", async (t) => {
  const { code, output } = await run(resolve("node_modules/.bin/publint"), ["run", "--strict", tarball]);
  t.is(code, 0, output);
  t.regex(output, /All good!/);
});

test("each entry can be imported, the checker's door has two functions, and nothing else can be", async (t) => {
  const script = `
    const names = {};
    for (const entry of ["checker", "checker/formats", "core", "sim"])
      names[entry] = Object.keys(await import("metastore/" + entry));
    const inside = await import("metastore/dist/core/node/node.js").catch(({ code }) => code);
    console.log(JSON.stringify({ names, inside }));`;
  const { code, stdout, output } = await run(process.execPath, ["--input-type=module", "--eval", script]);
  t.is(code, 0, output);
  const { names, inside } = JSON.parse(stdout) as { names: Record<string, string[]>; inside: string };
  t.deepEqual(names["checker"], ["check", "checkModel"]);
  t.deepEqual(names["checker/formats"], [
    "HistoryError",
    "HistoryReader",
    "formats",
    "parseJsonLines",
    "printJsonLines",
  ]);
  t.true(names["core"]!.includes("Node") && names["sim"]!.includes("simulateSeed"));
  t.is(inside, "ERR_PACKAGE_PATH_NOT_EXPORTED");
});

test("maps and declarations name sources that are in the package, or in packages that it needs", (t) => {
  const maps = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".map"),
  );
  t.true(maps.length > 300 && maps.some((name) => name.endsWith(".d.ts.map")));
  for (const name of maps) {
    const path = join(installed, "dist", name);
    const { sources } = JSON.parse(readFileSync(path, "utf8")) as { sources: string[] };
    const own = sources.filter((source) => !source.includes("node_modules/"));
    for (const source of own) t.true(existsSync(join(dirname(path), source)), `${name}: ${source}`);
  }
});

test("what is in the program of others' packages is there with its license", (t) => {
  const licenses = readFileSync(join(installed, "dist/server/program.licenses.txt"), "utf8");
  const { sources } = JSON.parse(readFileSync(join(installed, "dist/server/program.js.map"), "utf8")) as {
    sources: string[];
  };
  const packages = new Set(sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []));
  t.true(["hono", "@hono/node-server", "yargs"].every((name) => packages.has(name)));
  for (const name of packages)
    t.regex(licenses, new RegExp(`node_modules/${name}\n\n[^-]*(copyright|permission)`, "i"));
});

test("the playground is in the package, and --open of the installed program names it", async (t) => {
  const page = join(installed, "dist/sim/playground.html");
  t.true(existsSync(page));
  // Without a PATH nothing can open it here.
  const script = join(installed, "dist/sim/main.js");
  const { code, output } = await run("/usr/bin/env", ["PATH=", process.execPath, script, "--open"]);
  t.is(code, 0, output);
  t.true(output.includes(page), output);
});

/** Type-checks and compiles `files` of the project; declarations of the package are checked as strictly. */
async function compile(name: string, files: readonly string[], types: readonly string[]): Promise<Run> {
  const compilerOptions = {
    target: "ES2023",
    lib: ["ES2023"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types,
    typeRoots: [resolve("node_modules/@types")],
    rootDir: ".",
    outDir: "out",
  };
  writeFileSync(join(project, name), JSON.stringify({ compilerOptions, files }));
  return run(process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", name]);
}

test("a consumer is type-checked, without the types of Node or of a browser", async (t) => {
  const consumer = `
import { type Call, check, type CheckOptions, checkModel, type History, type Model, type Verdict } from "metastore/checker";
import { HistoryReader, parseJsonLines, printJsonLines } from "metastore/checker/formats";
import { MemoryState, Node, nodeDefaults, type NodePorts, sessionLimits } from "metastore/core";
import { planOf, type Result, simulate, simulateSeed, type Tape } from "metastore/sim";

const history: History = parseJsonLines(printJsonLines([]));
const options: CheckOptions = { configurationsMax: 10 };
const verdict: Verdict = check(history, options);
const counter: Model<number, "add", number> = { initial: 0, step: (n, _, out) => (out === undefined || out === n + 1 ? n + 1 : undefined) };
const calls: Call<"add", number>[] = [{ input: "add", output: 1, call: 1, return: 2 }];
const found: "ok" | "illegal" | "unknown" = checkModel(counter, calls).verdict;
const result: Result = simulate(planOf(7), { print: null, invariants: true });
const tape: Tape = { plan: result.plan, decisions: null };
const embed = (ports: NodePorts): Node =>
  new Node({ ...ports, store: new MemoryState(sessionLimits) }, () => undefined, {
    ...nodeDefaults, id: 1, cluster: [], peerUrl: null, join: false, directory: "", engine: "memory",
  });
// @ts-expect-error: a model must have steps.
checkModel({ initial: 0 }, calls);
// @ts-expect-error: an operation has an outcome.
check([{ client: 1, op: "get", key: "a", value: null, call: 1, return: 2 }]);
export { embed, found, HistoryReader, simulateSeed, tape, verdict };
`;
  writeFileSync(join(project, "consumer.ts"), consumer);
  const { code, output } = await compile("consumer.json", ["consumer.ts"], []);
  t.is(code, 0, output);
});

test("each example compiles against the package and does what it says", async (t) => {
  const said: Readonly<Record<string, readonly RegExp[]>> = {
    "check-history": [/^illegal: client 2 found key a absent at 4, but v1 had been written by client 1 .*\n$/],
    "custom-model": [/^ok\nillegal: call 4 fits into no order\n$/],
    "embedded-node": [/^run 1 of this folder$/m, /^run 2 of this folder$/m],
  };
  const names = readdirSync("examples").map((name) => basename(name, ".ts"));
  t.deepEqual(names.toSorted(), Object.keys(said).toSorted());
  cpSync("examples", join(project, "examples"), { recursive: true });
  const files = names.map((name) => `examples/${name}.ts`);
  const compiled = await compile("examples.json", files, ["node"]);
  t.is(compiled.code, 0, compiled.output);
  for (const [name, runs] of Object.entries(said)) {
    for (const must of runs) {
      const { code, output } = await run(process.execPath, [`out/examples/${name}.js`]);
      t.is(code, 0, output);
      t.regex(output, must);
    }
  }
});

test("the example of a history has 20 lines of code", (t) => {
  const lines = readFileSync("examples/check-history.ts", "utf8").split("\n");
  t.true(lines.filter((line) => line !== "" && !line.startsWith("/**")).length <= 20);
});

test("metastore-check decides a file and draws its page", async (t) => {
  cpSync("test/checker/testdata/stale-read.jsonl", join(project, "stale.jsonl"));
  const { code, output } = await bin("metastore-check", "stale.jsonl", "--html", "stale.html");
  t.is(code, 1, output);
  t.regex(output, /^illegal stale.jsonl: client 4 read v17/);
  t.regex(readFileSync(join(project, "stale.html"), "utf8"), /<style>[^]*<script>[^]*<\/html>/);
  t.regex((await bin("metastore-check", "--no-such-flag")).output, /^metastore-check: /);
});

test("metastore-sim runs a seed, draws it, says how to run it again, and its campaign finds the canary", async (t) => {
  t.timeout(300_000);
  const one = await bin("metastore-sim", "--seed", "7", "--report", "seven.html");
  t.is(one.code, 0, one.output);
  t.regex(one.output, /^seed 7: ok[^]*wrote seven.html/);
  t.regex(
    readFileSync(join(project, "seven.html"), "utf8"),
    />npx metastore-sim --seed 7 {2}# metastore \d+\.\d+\.\d+</,
  );
  const campaign = await bin("metastore-sim", "--campaign", "--minutes", "0.01", "--jobs", "1", "--out", "camp");
  t.is(campaign.code, 0, campaign.output);
  t.regex(campaign.output, /^the canary was found: I7 commit quorum at seed \d+/);
  t.regex((await bin("metastore-sim", "--help")).output, /npx metastore-sim --seed N/);
});

/** Ends the program, and returns its exit code. */
async function end(child: ChildProcess): Promise<number | null> {
  const gone = new Promise<number | null>((done) => child.once("exit", done));
  child.kill("SIGTERM");
  return gone;
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const isReady = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`metastore has ended with ${child.exitCode}`);
}

test("metastore serves, under both of its names, and metastore-procs speaks", async (t) => {
  const [port, peer] = await freePorts(2);
  const args = ["--port", String(port), "--cluster", `http://127.0.0.1:${peer}`, "--data-dir", project];
  for (const name of ["metastore", "metaStore"]) {
    const child = spawn(join(project, "node_modules/.bin", name), args, { cwd: project, stdio: "ignore" });
    try {
      const url = `http://127.0.0.1:${port}`;
      await ready(url, child);
      t.is((await fetch(`${url}/my-key`, { method: "PUT", body: name })).status, 204);
      t.is(await (await fetch(`${url}/my-key`)).text(), name);
    } finally {
      t.is(await end(child), 0);
    }
  }
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  t.is((await bin("metastore", "--version")).stdout.trim(), version);
  const procs = await bin("metastore-procs", "status");
  t.is(procs.code, 1, procs.output);
  t.regex(procs.output, /no supervisor runs in this folder/);
});
