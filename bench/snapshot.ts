/** How long the event loop is held while a large state is taken, sent and installed as a snapshot; in both modes. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fill } from "./fill.ts";
import type { Delays } from "./loop-delay.ts";
import { Member, memberPorts, peerUrl } from "./member.ts";

const value = "v".repeat(256);

function tell(mode: string, what: string, { samples, p50Ms, p999Ms, mostMs }: Delays, seconds: number): void {
  const figures = `p50 ${p50Ms.toFixed(1)} ms, p99.9 ${p999Ms.toFixed(1)} ms, most ${mostMs.toFixed(1)} ms`;
  console.log(
    `${mode.padEnd(8)} ${what.padEnd(10)} ${seconds.toFixed(1)} s, event loop held: ${figures} (${samples} samples)`,
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Prints how long the event loop is held while a state of `keys` keys is written, sent and installed. */
export async function benchSnapshot(keys: number): Promise<void> {
  console.log(`a state of ${keys} keys with ${value.length} B values, one member that serves and one that joins`);
  for (const [mode, flags] of [
    ["memory", []],
    ["RocksDB", ["--rocksdb"]],
  ] as const) {
    const directory = mkdtempSync(join(tmpdir(), "metastore-bench-"));
    mkdirSync(join(directory, "data"));
    const members = [new Member(1, directory, ["--cluster", peerUrl(1), ...flags])];
    try {
      await measure(mode, keys, directory, members, flags);
    } finally {
      await Promise.all(members.map((member) => member.stop()));
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

async function measure(
  mode: string,
  keys: number,
  directory: string,
  members: Member[],
  flags: readonly string[],
): Promise<void> {
  const first = members[0]!;
  await first.until("start", async () => (await fetch(`http://127.0.0.1:${memberPorts[0]}/readyz`)).ok);
  const seconds = await timed(() => fill(memberPorts[0]!, 0, keys, value));
  console.log(`${mode.padEnd(8)} filled in ${seconds.toFixed(0)} s: ${Math.round(keys / seconds)} writes/s`);
  if (mode === "memory") await take(mode, keys, first, join(directory, "metaStore-1-snap", "draft.part"));
  const second = new Member(2, directory, [
    "--id",
    "2",
    "--cluster",
    `${peerUrl(1)},${peerUrl(2)}`,
    "--join",
    ...flags,
  ]);
  members.push(second);
  await second.until("start", async () => (await second.status()).rows === 0);
  await first.delays();
  await second.delays();
  const joined = await timed(async () => {
    await fetch(`http://127.0.0.1:${memberPorts[0]}/2`, { method: "POST", body: peerUrl(2) });
    await first.until("join", async () => (await second.status()).rows >= keys);
  });
  tell(mode, mode === "memory" ? "sent" : "taken+sent", await first.delays(), joined);
  tell(mode, "installed", await second.delays(), joined);
}

/** Writes until a snapshot begins, then waits for its end: nothing else goes on meanwhile, unless it is a short one. */
async function take(mode: string, keys: number, member: Member, draft: string): Promise<void> {
  await member.until("the last snapshot", () => !existsSync(draft));
  const { snapshotIndex } = (await member.status()).storage;
  const step = 2_000;
  for (let k = 0; k <= 20 * keys; k += step) {
    await member.delays();
    let seconds = await timed(() => fill(memberPorts[0]!, k % keys, Math.min(keys, (k % keys) + step), value));
    const isUnderWay = existsSync(draft);
    if (!isUnderWay && (await member.status()).storage.snapshotIndex === snapshotIndex) continue;
    if (isUnderWay) {
      await member.delays();
      seconds = await timed(() => member.until("a snapshot", () => !existsSync(draft)));
    }
    return tell(mode, "taken", await member.delays(), seconds);
  }
  throw new Error("no snapshot begins");
}
