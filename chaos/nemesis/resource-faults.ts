/** A machine that has too little: disk, descriptors; and too much asked at once. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { HttpClient } from "../http.ts";
import type { KeyAsk } from "../store/store.ts";
import { Member } from "../world/member.ts";
import type { World } from "../world/world.ts";
import type { Family, Field } from "./family.ts";
import { drawMember, startAgain } from "./process-faults.ts";

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function someRun({ free }: Field): boolean {
  return free.some(({ isUp }) => isUp);
}

/** Snapshots of a state that bursts have made large need their room, twice. */
const tmpfsMb = 512;
const onTmpfs = new Set<Member>();

/** Moves the directory of a member that does not run to a small file system of its own, where it stays. */
function toTmpfs(world: World, member: Member): void {
  const old = `${member.directory}-before`;
  renameSync(member.directory, old);
  mkdirSync(member.directory);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${tmpfsMb}m`, "tmpfs", member.directory]);
  world.atEnd(() => execFileSync("umount", [member.directory]));
  Member.copy(old, member.directory);
  rmSync(old, { recursive: true });
  onTmpfs.add(member);
}

export const fullDisk: Family = {
  name: "full-disk",
  needs: "root, to mount a small tmpfs",
  isolation: "process",
  holdMs: [1_000, 6_000],
  isGeneral: false,
  isPossible: isRoot,
  may: someRun,
  async strike(field) {
    const { world } = field;
    const member = field.take(drawMember(field));
    if (!onTmpfs.has(member)) {
      await world.end(member, "SIGTERM");
      toTmpfs(world, member);
      world.start(member);
      await world.until(() => world.isReady(member), 30_000);
    }
    member.mayEnd = "its disk is full";
    const filler = join(member.directory, "filler");
    try {
      for (let k = 0; k < tmpfsMb * 16; k++) writeFileSync(filler, Buffer.alloc(65_536, 1), { flag: "a" });
    } catch {
      // It is full.
    }
    return {
      what: `disk of n${member.id} full`,
      heal: async () => {
        rmSync(filler, { force: true });
        await startAgain(field, member);
        // It may still be ending for what it could not write.
        await world.until(async () => member.process === null || (await world.isReady(member)), 20_000);
        await startAgain(field, member);
        member.mayEnd = null;
      },
    };
  },
};

const limitReadMs = 1_200;
const readyMs = 30_000;

export const fewDescriptors: Family = {
  name: "few-descriptors",
  needs: "a member that runs, and prlimit",
  isolation: "process",
  holdMs: [1_000, 6_000],
  isGeneral: false,
  may: someRun,
  async strike(field) {
    const member = field.take(drawMember(field));
    // One that loads its program needs more, and has no say yet.
    if (!(await field.world.until(() => field.world.isReady(member), readyMs)))
      return { what: `n${member.id} is not ready`, heal: async () => undefined };
    const pid = String(member.process?.pid ?? 0);
    const limit = (soft: number): void => void execFileSync("prlimit", ["--pid", pid, `--nofile=${soft}:`]);
    limit(70);
    member.isShort = true;
    // A limit that falls while a process runs is this harness's own: the member reads it once a second.
    await new Promise((resolve) => setTimeout(resolve, limitReadMs));
    const idle: Socket[] = Array.from({ length: 80 }, () => {
      const socket = connect(member.port, "127.0.0.1");
      socket.on("error", () => undefined);
      return socket;
    });
    return {
      what: `n${member.id} has 70 descriptors and 80 idle clients`,
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

const burstBytes = 1_200_000;
const burstCount = 20;
let bursts = 0;

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
    const http = new HttpClient();
    bursts += 1;
    const name = (k: number): string => `burst.${bursts}.${k}`;
    const patienceMs = store.requestMsMax + 30_000;
    const pad = "x".repeat(burstBytes);
    const told = await Promise.all(
      Array.from({ length: burstCount }, async (_, k) => {
        const put = { op: "put", key: name(k), value: `${k}.${pad}`, expected: null, idempotency: null } as const;
        const reply = await http.ask(member.port, store.keyAsk(put), patienceMs);
        const isAlone = reply.kind === "late" && member.isUp;
        if (isAlone) field.onFinding("hung", `a write of a burst at n${member.id} has no answer`);
        return store.keyTold(put, reply);
      }),
    );
    for (const [k, { kind }] of told.entries()) {
      const value = await readUntilTold(world, http, { op: "get", key: name(k), isStale: false });
      const isThere = value?.startsWith(`${k}.`) === true && value.length > burstBytes;
      if (value === undefined) continue;
      if (kind === "ok" && !isThere) field.onFinding("definite", `${name(k)} was acknowledged and is not there`);
      if (kind === "none" && value !== null)
        field.onFinding("definite", `${name(k)} was refused as certain and is there`);
      const remove = { op: "delete", key: name(k), value: "", expected: null, idempotency: null } as const;
      await http.ask(member.port, store.keyAsk(remove), patienceMs);
    }
    http.close();
    const kept = told.filter(({ kind }) => kind === "ok").length;
    return {
      what: `burst of ${burstCount} MB-sized writes at n${member.id}, ${kept} done`,
      heal: async () => undefined,
    };
  },
};

/** What the key holds; undefined: nobody told. */
async function readUntilTold(world: World, http: HttpClient, ask: KeyAsk): Promise<string | null | undefined> {
  let value: string | null | undefined = undefined;
  await world.until(async () => {
    const up = world.present.filter(({ isUp }) => isUp);
    for (const member of up) {
      const told = world.store.keyTold(ask, await http.ask(member.port, world.store.keyAsk(ask), 6_000));
      if (told.kind !== "ok") continue;
      value = told.value;
      return true;
    }
    return false;
  }, 15_000);
  return value;
}
