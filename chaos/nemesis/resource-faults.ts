/** A machine that has too few descriptors; and too much asked of a member at once. */
import { execFileSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import type { KeyAsk } from "../store/store.ts";
import type { Member } from "../world/member.ts";
import { Requests } from "../world/requests.ts";
import type { World } from "../world/world.ts";
import { type Family, type Field, nothing } from "./family.ts";
import { drawMember } from "./process-faults.ts";

function someRun({ free }: Field): boolean {
  return free.some(({ isUp }) => isUp);
}

const few = 70;
/** Fewer than a process has open of its own. */
const none = 16;
const snapshotWrites = 450;
const writesAtOnce = 40;
const writesMs = 8_000;
const limitReadMs = 1_200;
const readyMs = 30_000;

/** A member may open few descriptors more: it may refuse clients, and must not end. */
export const fewDescriptors: Family = {
  name: "few-descriptors",
  needs: "a member that runs, and prlimit",
  isolation: "process",
  holdMs: [1_000, 6_000],
  isGeneral: false,
  may: someRun,
  async strike(field) {
    const member = field.take(drawMember(field));
    // A process that is loading its program needs more descriptors, and cannot report a lack of them yet.
    if (!(await field.world.until(() => field.world.isReady(member), readyMs)))
      return nothing(`n${member.id} is not ready`);
    const pid = String(member.process?.pid ?? 0);
    const limit = (soft: number): void => void execFileSync("prlimit", ["--pid", pid, `--nofile=${soft}:`]);
    const isNone = field.chance.below(2) === 0;
    limit(isNone ? none : few);
    member.isShort = true;
    // A limit that falls while a process runs is this harness's own: the member reads it once a second.
    await new Promise((resolve) => setTimeout(resolve, limitReadMs));
    const idle: Socket[] = Array.from({ length: 80 }, () => {
      const socket = connect(member.port, "127.0.0.1");
      socket.on("error", () => undefined);
      return socket;
    });
    // A snapshot opens files; that it cannot have them yet is no fault of the disk.
    if (isNone) await writeMany(field, member);
    return {
      what: `n${member.id} has ${isNone ? "no free descriptor" : `${few} descriptors`} and 80 idle clients`,
      heal: async () => {
        for (const socket of idle) socket.destroy();
        if (member.process !== null && String(member.process.pid) === pid) limit(1_024);
        // Until the member has read its limit again it closes connections on which nothing was asked.
        await new Promise((resolve) => setTimeout(resolve, limitReadMs));
        member.disturb();
        member.isShort = false;
      },
    };
  },
};

/** So many writes, through the other members, that `member` takes a snapshot; or as many as there is time for. */
async function writeMany({ world, onFinding }: Field, member: Member): Promise<void> {
  const { store } = world;
  const requests = new Requests(world, onFinding);
  const until = performance.now() + writesMs;
  const put = { op: "put", key: "shortage", value: "x", expected: null, idempotency: null } as const;
  let left = snapshotWrites;
  const write = async (k: number): Promise<void> => {
    for (; left > 0 && performance.now() < until; left--) {
      const others = world.present.filter((one) => one !== member && one.isUp);
      const other = others[k % Math.max(1, others.length)];
      if (other === undefined) return;
      await requests.ask(other, store.keyAsk(put), `put of ${put.key}`);
    }
  };
  await Promise.all(Array.from({ length: writesAtOnce }, (_, k) => write(k)));
  await requests.close();
}

const burstBytes = 1_200_000;
const burstCount = 20;
/** A burst is also to be sent and taken. */
const uploadMs = 20_000;
let bursts = 0;

/** More at once than a member takes: each request is answered, if by a refusal, and refusals are true. */
export const burst: Family = {
  name: "burst",
  needs: "a member that runs",
  isolation: "process",
  holdMs: [0, 0],
  isGeneral: false,
  may: someRun,
  async strike(field) {
    const { world } = field;
    const { store } = world;
    const up = field.free.filter(({ isUp }) => isUp);
    const followers = up.filter(({ id }) => id !== world.leader);
    const member = field.take(field.chance.pick(followers.length > 0 ? followers : up));
    const requests = new Requests(world, field.onFinding);
    bursts += 1;
    const { leader, links } = world;
    const [sinceMs, ended] = [performance.now(), links.endedCount];
    const name = (k: number): string => `burst.${bursts}.${k}`;
    const pad = "x".repeat(burstBytes);
    const told = await Promise.all(
      Array.from({ length: burstCount }, async (_, k) => {
        const put = { op: "put", key: name(k), value: `${k}.${pad}`, expected: null, idempotency: null } as const;
        return store.keyTold(put, await requests.ask(member, store.keyAsk(put), "a write of a burst", uploadMs));
      }),
    );
    const mark = { op: "put", key: name(burstCount), value: "x", expected: null, idempotency: null } as const;
    const isMarked =
      store.keyTold(mark, await requests.ask(member, store.keyAsk(mark), `put of ${mark.key}`, uploadMs)).kind === "ok";
    // What left on the same stream to the same leader before this write is in the log before it.
    const isKnown = isMarked && world.leader === leader && links.endedCount === ended && world.wasLeftAlone(sinceMs);
    for (const [k, { kind }] of told.entries()) {
      const value = await readUntilTold(world, requests, { op: "get", key: name(k), isStale: false });
      const isThere = value?.startsWith(`${k}.`) === true && value.length > burstBytes;
      if (value === undefined) continue;
      if (kind === "unknown" && isKnown && value === null)
        field.onFinding("definite", `${name(k)} never left n${member.id} and was answered as unknown`);
      if (kind === "ok" && !isThere) field.onFinding("definite", `${name(k)} was acknowledged and is not there`);
      if (kind === "none" && value !== null)
        field.onFinding("definite", `${name(k)} was refused as certain and is there`);
      const remove = { op: "delete", key: name(k), value: "", expected: null, idempotency: null } as const;
      await requests.ask(member, store.keyAsk(remove), `delete of ${remove.key}`, uploadMs);
    }
    await requests.close();
    const kept = told.filter(({ kind }) => kind === "ok").length;
    return {
      what: `burst of ${burstCount} MB-sized writes at n${member.id}, ${kept} done`,
      heal: async () => undefined,
    };
  },
};

/** What the key holds; undefined: nobody told. */
async function readUntilTold(world: World, requests: Requests, ask: KeyAsk): Promise<string | null | undefined> {
  let value: string | null | undefined = undefined;
  await world.until(async () => {
    const up = world.present.filter(({ isUp }) => isUp);
    for (const member of up) {
      const told = world.store.keyTold(ask, await requests.ask(member, world.store.keyAsk(ask), `get of ${ask.key}`));
      if (told.kind !== "ok") continue;
      value = told.value;
      return true;
    }
    return false;
  }, 15_000);
  return value;
}
