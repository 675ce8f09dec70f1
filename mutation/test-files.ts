/** Scenarios, kept tapes and unit tests, as files of tests that run in a tree. */
import { execFile } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mutantsMax } from "./mutant.ts";
import { killed } from "./runner.ts";
import type { Scratch, Tree } from "./scratch.ts";

function testsIn(folder: string): string[] {
  return readdirSync(join("dist/test", folder))
    .filter((name) => name.endsWith(".test.js"))
    .toSorted()
    .map((name) => `test/${folder}/${name}`);
}

/** Directed runs, and runs kept as tapes. */
export function scenarioFiles(): string[] {
  return [...testsIn("scenarios"), "test/sim/regressions.test.js"];
}

/** RocksDB itself and the versions of Node need packages and downloads; they are not of core. */
const ofTheMachine = /\/(rocksdb|rocksdb-packages|later-rocksdb|node-versions)\.test\.js$/;

/** Tests of the parts of core. */
export function unitFiles(): string[] {
  return ["raft", "protocol", "node", "storage"].flatMap(testsIn).filter((file) => !ofTheMachine.test(file));
}

/** Longer than the longest file takes on a busy machine. */
const fileMsMax = 600_000;

/** `failed`: the first test that does, as folder › file › test; null: all pass. */
export type FileRun = { readonly failed: string | null };

/** Runs one file until a test fails. `env`: added to the environment. The tree must have tests. */
export async function runTestFile(
  scratch: Scratch,
  tree: Tree,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<FileRun> {
  const settings = {
    workerThreads: false,
    concurrency: 1,
    failFast: true,
    // On a busy machine; and a timeout ends the reporter before it has told what failed.
    timeout: "10m",
    require: ["./test/support/property-seed.js", "./probe.js"],
  };
  writeFileSync(join(tree.directory, "package.json"), JSON.stringify({ type: "module", ava: settings }));
  writeFileSync(join(tree.directory, "probe.js"), probeScript);
  const [, folder, name] = file.split("/");
  const title = `${folder} › ${basename(name!, ".test.js")}`;
  return new Promise((settled) => {
    let isOver = false;
    const options = {
      cwd: tree.directory,
      maxBuffer: 1 << 26,
      env: { ...process.env, ...env },
      detached: true,
    };
    const child = execFile("node_modules/.bin/ava", ["--tap", file], options, (error, stdout) => {
      clearTimeout(timer);
      if (scratch.isEnding) return;
      if (error === null) return settled({ failed: null });
      const first = /^not ok \d+ - (.*)$/m.exec(stdout)?.[1] ?? (isOver ? "it does not end" : "it dies");
      settled({ failed: `${title} › ${first}` });
    });
    const timer = setTimeout(() => {
      isOver = true;
      void killed(child);
    }, fileMsMax);
    scratch.watch(child);
  });
}

/** Where the environment names a file for it, writes which probes a process has passed. */
const probeScript = `import { writeFileSync } from "node:fs";
const { MUTATION_PROBES: file } = process.env;
if (file !== undefined) {
  globalThis.comesBy = new Uint8Array(${mutantsMax});
  process.on("exit", () => {
    writeFileSync(file, JSON.stringify([...globalThis.comesBy.keys()].filter((k) => globalThis.comesBy[k] === 1)));
  });
}
`;
