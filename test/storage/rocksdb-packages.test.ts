/** Which package opens RocksDB, and what happens where none can. A package is loaded in processes of its own only. */
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { loadRocksDb, packagesFor, rocksDbVersionOf } from "../../server/rocksdb/choose.ts";
import { freshDirectory } from "../support/processes.ts";

/** Opens the directory by the named package, writes a row if there is one to write, and prints all of them. */
const program = `
import { RocksKv } from "${process.cwd()}/dist/server/ordered-kv.js";
import { packagesFor } from "${process.cwd()}/dist/server/rocksdb/choose.js";
const [name, directory, row] = process.argv.slice(1);
const kv = new RocksKv(await packagesFor(process.version, null).find((one) => one.name === name).load(), directory);
const end = (error) => { if (error !== null) { console.log(error.message); process.exit(1); } };
const print = () => kv.scan("", "z").next(100, (error, pairs) => {
  end(error);
  console.log(pairs.map(([key]) => key).join(" "));
  kv.close();
});
kv.open((error) => {
  end(error);
  if (row === "") return print();
  kv.write([{ key: row, value: new Uint8Array(10) }], true, (failure) => { end(failure); print(); });
});
`;

function rowsBy(name: string, directory: string, row = ""): Promise<string> {
  return new Promise((resolve) => {
    const args = ["--input-type=module", "-e", program, name, directory, row];
    execFile(process.execPath, args, (_error, stdout, stderr) => resolve(stdout.trim() + stderr));
  });
}

const old = "level-rocksdb";
const later = "@nxtedition/rocksdb";
const isNode20 = packagesFor(process.version, null).some(({ name }) => name === old);
const onNode20 = isNode20 ? test : test.skip;

onNode20("level-rocksdb's directory is opened by the later package, as after an upgrade of Node", async (t) => {
  const directory = freshDirectory();
  t.is(await rowsBy(old, directory, "a"), "a");
  t.is(rocksDbVersionOf(directory)![0], 6);
  t.is(await rowsBy(later, directory, "b"), "a b");
  t.is(await rowsBy(later, directory), "a b");
  t.is(rocksDbVersionOf(directory)![0], 9);
  rmSync(directory, { recursive: true });
});

test("what the later package has written is opened by it on Node 20 too, as after a downgrade of Node", async (t) => {
  const directory = freshDirectory();
  t.is(await rowsBy(later, directory, "a"), "a");
  // Twice: the first one leaves its row in the log only.
  t.is(await rowsBy(later, directory, "b"), "a b");
  const chosen = await loadRocksDb(directory, "v20.20.2");
  t.is(chosen.ok ? chosen.value.name : chosen.reason, later);
  // The reason for the choice: the old package does not read it.
  if (isNode20) t.regex(await rowsBy(old, directory), /^RocksDB in /);
  rmSync(directory, { recursive: true });
});

function names(node: string, writtenBy: readonly number[] | null): string[] {
  return packagesFor(node, writtenBy).map(({ name }) => name);
}

test("level-rocksdb is loaded on Node 20 only, and not where a later RocksDB has written", (t) => {
  t.deepEqual(names("v20.19.0", null), [old, later]);
  t.deepEqual(names("v20.20.2", [6, 17, 3]), [old, later]);
  t.deepEqual(names("v20.20.2", [6, 18, 0]), [later]);
  t.deepEqual(names("v20.20.2", [9, 7, 4]), [later]);
  for (const node of ["v21.7.3", "v22.23.3", "v24.21.0", "v25.0.0", "v120.0.0"]) {
    t.deepEqual(names(node, null), [later]);
    t.deepEqual(names(node, [6, 17, 3]), [later]);
  }
});

function options(version: string): string {
  return `[Version]\n  rocksdb_version=${version}\n  options_file_version=1.1\n`;
}

test("the latest of several versions counts, and a directory that is not RocksDB's has none", (t) => {
  const directory = freshDirectory();
  t.is(rocksDbVersionOf(join(directory, "absent")), null);
  t.is(rocksDbVersionOf(directory), null);
  writeFileSync(join(directory, "OPTIONS-000005"), options("9.7.4"));
  writeFileSync(join(directory, "OPTIONS-000009"), options("6.17.3"));
  writeFileSync(join(directory, "OPTIONS-000011"), options("9.10.0"));
  writeFileSync(join(directory, "OPTIONS-000012"), "");
  t.deepEqual(rocksDbVersionOf(directory), [9, 10, 0]);
  rmSync(directory, { recursive: true });
});

/** The compiled server beside the packages that it needs, those that bind RocksDB left out. */
function installWithoutRocksDb(): string {
  const directory = freshDirectory();
  cpSync("package.json", join(directory, "package.json"));
  for (const folder of ["server", "core"])
    cpSync(join("dist", folder), join(directory, "dist", folder), { recursive: true });
  mkdirSync(join(directory, "node_modules"));
  for (const name of readdirSync("node_modules").filter((one) => !/rocks|^@nxtedition$|^\./.test(one)))
    symlinkSync(join(process.cwd(), "node_modules", name), join(directory, "node_modules", name));
  mkdirSync(join(directory, "data"));
  return directory;
}

test("--rocksdb where no package is installed ends with one line that says what to install, exit 1", async (t) => {
  const directory = installWithoutRocksDb();
  const child = spawn(process.execPath, ["dist/server/main.js", "--rocksdb"], { cwd: directory });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  t.is(code, 1);
  t.regex(stderr, /^metaStore: --rocksdb: no RocksDB package can be loaded for Node v\d+[^\n]*; npm install [^\n]*\n$/);
  t.deepEqual(readdirSync(join(directory, "data")), []);
  rmSync(directory, { recursive: true });
});
