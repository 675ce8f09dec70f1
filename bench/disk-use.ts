/** Whether disk use stays flat while the same keys are written again and again; in both modes, side by side. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fill } from "./fill.ts";
import { Member, memberPorts, peerUrl } from "./member.ts";

const keys = 20_000;
const value = "v".repeat(256);

type Lone = { readonly mode: string; readonly port: number; readonly directory: string; readonly member: Member };

function start(mode: string, place: number, flags: readonly string[]): Lone {
  const directory = mkdtempSync(join(tmpdir(), "metastore-bench-"));
  mkdirSync(join(directory, "data"));
  return {
    mode,
    port: memberPorts[place - 1]!,
    directory,
    member: new Member(place, directory, [...flags, "--cluster", peerUrl(place)]),
  };
}

function megabytes(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    // Files come and go meanwhile.
    bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes / 1024 / 1024;
}

/** Writes at `writesPerSecond` to each of two members for so long, and tells what their directories hold. */
export async function benchDiskUse({
  seconds,
  writesPerSecond,
}: {
  seconds: number;
  writesPerSecond: number;
}): Promise<void> {
  console.log(
    `${keys} keys of ${value.length} B, ${writesPerSecond} writes/s to each of two lone members, ${seconds} s`,
  );
  const members = [start("memory", 1, []), start("RocksDB", 2, ["--rocksdb"])];
  const seen = members.map((): number[] => []);
  try {
    await Promise.all(
      members.map(({ port, member }) =>
        member.until("start", async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok),
      ),
    );
    const begun = performance.now();
    let written = 0;
    let told = 0;
    for (let passed = 0; passed < seconds; passed = (performance.now() - begun) / 1000) {
      const due = Math.min(Math.floor(passed * writesPerSecond) - written, 2_000);
      const from = written % keys;
      const count = Math.min(due, keys - from);
      if (due < writesPerSecond / 10) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      await Promise.all(members.map(({ port }) => fill(port, from, from + count, value)));
      written += count;
      for (const [k, { directory }] of members.entries()) seen[k]!.push(megabytes(directory));
      if (passed - told < seconds / 12) continue;
      told = passed;
      console.log(
        `${passed.toFixed(0)} s, ${written} writes: ${members.map(({ mode }, k) => `${mode} ${seen[k]!.at(-1)!.toFixed(1)} MB`).join(", ")}`,
      );
    }
    for (const [k, { mode }] of members.entries()) {
      const half = Math.floor(seen[k]!.length / 2);
      const [before, after] = [Math.max(...seen[k]!.slice(0, half)), Math.max(...seen[k]!.slice(half))];
      console.log(
        `${mode.padEnd(8)} most in the first half ${before.toFixed(1)} MB, in the second ${after.toFixed(1)} MB (${(after / before).toFixed(2)}x)`,
      );
    }
  } finally {
    await Promise.all(members.map(({ member }) => member.stop()));
    for (const { directory } of members) rmSync(directory, { recursive: true, force: true });
  }
}
