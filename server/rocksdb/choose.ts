/** Which package opens RocksDB: by the Node version, for one of them ends the process, and by what wrote the directory. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Checked, refused } from "../../core/result.ts";
import { loadLevelRocksDb } from "./level-rocksdb.ts";
import type { RocksLibrary } from "./library.ts";
import { loadNxteditionRocksDb } from "./nxtedition.ts";

type Package = { readonly name: string; readonly install: string; load(): Promise<RocksLibrary> };

const level: Package = { name: "level-rocksdb", install: "rocksdb level-rocksdb", load: loadLevelRocksDb };
const nxtedition: Package = {
  name: "@nxtedition/rocksdb",
  install: "@nxtedition/rocksdb",
  load: loadNxteditionRocksDb,
};

/** Of the RocksDB inside rocksdb 5.2.1. It opens what a later version has written, and fails at the first read. */
const levelReads = [6, 17] as const;

/** The packages that may be loaded, the preferred one first. */
export function packagesFor(nodeVersion: string, writtenBy: readonly number[] | null): readonly Package[] {
  const isNode20 = nodeVersion.replace(/^v/, "").startsWith("20.");
  const [major = 0, minor = 0] = writtenBy ?? [];
  const isNewer = major > levelReads[0] || (major === levelReads[0] && minor > levelReads[1]);
  return isNode20 && !isNewer ? [level, nxtedition] : [nxtedition];
}

/** The latest RocksDB version that has opened the directory `location`, as [major, minor, patch]; null: none has. */
export function rocksDbVersionOf(location: string): readonly number[] | null {
  let latest: readonly number[] | null = null;
  for (const name of namesIn(location).filter((one) => one.startsWith("OPTIONS-"))) {
    const text = readFileSync(join(location, name), "utf8");
    const [, version] = /^\s*rocksdb_version=([\d.]+)\s*$/m.exec(text) ?? [];
    const numbers = version?.split(".").map(Number) ?? null;
    if (numbers !== null && (latest === null || isLater(numbers, latest))) latest = numbers;
  }
  return latest;
}

function namesIn(location: string): readonly string[] {
  try {
    return readdirSync(location);
  } catch {
    return [];
  }
}

function isLater(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((part, k) => part !== (b[k] ?? 0));
  return at !== -1 && a[at]! > (b[at] ?? 0);
}

/** The library for the directory `location`, or one line that says why there is none, and what to install. */
export async function loadRocksDb(location: string, nodeVersion = process.version): Promise<Checked<RocksLibrary>> {
  const writtenBy = rocksDbVersionOf(location);
  const packages = packagesFor(nodeVersion, writtenBy);
  const reasons: string[] = [];
  for (const one of packages) {
    try {
      return { ok: true, value: await one.load() };
    } catch (error) {
      reasons.push(`${one.name}: ${(error as Error).message.split("\n")[0]!}`);
    }
  }
  const wrote = writtenBy === null ? "" : ` and ${location}, which RocksDB ${writtenBy.join(".")} has written`;
  return refused(
    `--rocksdb: no RocksDB package can be loaded for Node ${nodeVersion}${wrote}; ` +
      `npm install ${packages[0]!.install} (${reasons.join("; ")})`,
  );
}
