/** Faults of a member's directory: gone, older, without its log, with damaged bytes. Budget rules 2 to 6 hold. */
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Member } from "../world/member.ts";
import { awaitArrival } from "./arrival.ts";
import { type Family, type Field, nothing, type Strike } from "./family.ts";

/** So long a member may take to have its data again while others are struck, and with all else left alone. */
const restoreMs = 45_000;
const serveTimes = 3;
const operatorMs = 60_000;
const readyMs = 30_000;

const common = {
  needs: "three members or more that are all ready and hold the same",
  isolation: "data",
  holdMs: [0, 0],
  isGeneral: false,
  may: ({ free, world }: Field): boolean => free.length > 0 && world.present.every(({ isUp }) => isUp),
} as const;

/** Kills a member whose data may be taken; null: none may be now. */
async function killForData(field: Field): Promise<Member | null> {
  const member = field.take(field.chance.pick(field.free));
  if (!member.isUp || !(await field.budget.mayTakeData(member))) return null;
  await field.kill(member);
  field.budget.taken(member);
  return member;
}

const notWhole = nothing("not all members are whole");

/** The member must come back by itself, or by what was done for it, in its time. */
export function healByItself(field: Field, member: Member, what: string): Strike {
  return {
    what: `${what} n${member.id}`,
    heal: async () => {
      const { budget, serveMs, onFinding } = field;
      const boundMs = Math.max(restoreMs, serveTimes * serveMs);
      const isThere = (): Promise<boolean> => budget.isRestored(member);
      const arrival = await awaitArrival(field, isThere, restoreMs, boundMs);
      if (arrival !== "late") return;
      onFinding(
        "recovery",
        `n${member.id} has not come back, though all are left alone for ${boundMs} ms after: ${what}`,
      );
    },
  };
}

/** Removes it from the cluster, adds it again at its URL, and starts it with nothing. Whether the others did both. */
export async function rejoin({ world, operator }: Field, member: Member): Promise<boolean> {
  const path = `/v1/members/${member.id}`;
  if (!(await operator.must("DELETE", path, undefined, member.id, operatorMs))) return false;
  if (!(await operator.must("POST", `/${member.id}`, member.url, member.id, operatorMs))) return false;
  member.joinsBy = world.present.filter((one) => one !== member).map(({ url }) => url);
  world.start(member);
  return true;
}

/** A directory is gone: the member is removed, added again, and starts with nothing. */
export const wipe: Family = {
  ...common,
  name: "wipe",
  async strike(field) {
    const member = await killForData(field);
    if (member === null) return notWhole;
    member.wipe();
    if (!(await rejoin(field, member))) field.onFinding("recovery", `n${member.id} cannot be removed and added again`);
    return healByItself(field, member, "directory removed, member removed and added again:");
  },
};

/** Who holds a write besides the victim, and who is cut off from it. */
export type Split = { readonly holders: readonly number[]; readonly behind: readonly number[] };

/**
 * Divides the others so that a write lies on the victim and the holders, exactly a majority. In a cluster of odd size
 * the members behind and the victim are a majority too: if the victim voted without the write, they would elect a
 * leader that lacks it. The leader is not behind, so that writes go on.
 */
export function splitAround(ids: readonly number[], victim: number, leader: number): Split {
  const others = ids.filter((id) => id !== victim).toSorted((a, b) => Number(a === leader) - Number(b === leader));
  const behindCount = ids.length - Math.floor(ids.length / 2) - 1;
  return { behind: others.slice(0, behindCount), holders: others.slice(behindCount) };
}

/** Both ways of each link between the two sides. */
function eachLink(some: readonly number[], others: readonly number[], act: (from: number, to: number) => void): void {
  for (const one of some)
    for (const other of others) {
      act(one, other);
      act(other, one);
    }
}

const acknowledgeMs = 15_000;
const answerMs = 15_000;
const electMs = 6_000;
let held = 0;

/**
 * Has a write acknowledged that lies on exactly a majority, `member` in it; stops `member`, changes its directory by
 * `change`, and starts it where it meets only those that lack the write. Every other one of the majority keeps the write, so
 * a store that knows what the member has lost waits for them. Whether there was such a write; else nothing was changed.
 */
async function takeAcknowledged(field: Field, member: Member, change: () => void): Promise<boolean> {
  const { world } = field;
  const { links } = world;
  const { holders, behind } = splitAround(
    world.present.map(({ id }) => id),
    member.id,
    world.leader,
  );
  const cut = (from: number, to: number): void => links.strike(from, to, "cut");
  eachLink([member.id, ...holders], behind, cut);
  const key = `held.${held}`;
  let attempts = 0;
  const write = async (): Promise<boolean> => {
    const via = world.member(holders[attempts++ % holders.length]!);
    return (await field.write(via, key, `h${held}.${attempts}`)) === "";
  };
  const isHeld = await world.until(write, acknowledgeMs);
  held += 1;
  if (isHeld) {
    // No failover: until the links are healed nobody may be elected.
    await world.end(member, "SIGKILL");
    field.budget.taken(member);
    eachLink(holders, [member.id], cut);
    eachLink([member.id], behind, (from, to) => links.heal(from, to));
    change();
    world.start(member);
    // From when it speaks on it could be elected, or vote.
    await world.until(async () => (await world.stateOf(member)) !== null, answerMs);
    await field.hold(electMs);
  }
  links.healAll();
  return isHeld;
}

const notHeld = nothing("no write was acknowledged by exactly a majority");

/** A directory is put back from an older copy; the member must notice, and not vote by it. */
export const oldCopy: Family = {
  ...common,
  name: "old-copy",
  isolation: "alone",
  async strike(field) {
    const { world } = field;
    const member = await killForData(field);
    if (member === null) return notWhole;
    const copy = `${member.directory}-copy`;
    Member.copy(member.directory, copy);
    world.start(member);
    // To recognise the copy, others must have heard of this later boot; and the member must hold what is written next.
    const isRestored = await world.until(() => field.budget.isRestored(member), readyMs);
    if (!isRestored) {
      rmSync(copy, { recursive: true });
      return { ...healByItself(field, member, "only started again:"), isNothing: true };
    }
    const isTaken = await takeAcknowledged(field, member, () => {
      member.wipe();
      Member.copy(copy, member.directory);
    });
    rmSync(copy, { recursive: true });
    return isTaken ? healByItself(field, member, "older copy put back:") : notHeld;
  },
};

/** One file of a member's log is gone, or all; it must notice, and be rebound. */
export const logDeleted: Family = {
  ...common,
  name: "log-deleted",
  isolation: "alone",
  async strike(field) {
    const { world, chance } = field;
    const member = field.take(field.chance.pick(field.free));
    if (!member.isUp || !(await field.budget.mayTakeData(member))) return notWhole;
    const log = world.store.logDirectory(member.directory, member.id);
    let what = "";
    const isTaken = await takeAcknowledged(field, member, () => {
      const files = readdirSync(log).filter((name) => name.startsWith("wal-"));
      const gone = chance.below(2) === 0 ? files : [chance.pick(files)];
      for (const name of gone) rmSync(join(log, name));
      what = `${gone.length} of ${files.length} log files deleted:`;
    });
    return isTaken ? healByItself(field, member, what) : notHeld;
  },
};

/** Turns a few bytes of the file's first half; its name, or null where it is too small to have one. */
function damageFile(field: Field, path: string): boolean {
  const sizeBytes = statSync(path).size;
  if (sizeBytes < 2_048) return false;
  const file = openSync(path, "r+");
  const at = field.chance.between(256, Math.floor(sizeBytes / 2));
  const bytes = Buffer.alloc(4);
  readSync(file, bytes, 0, 4, at);
  writeSync(
    file,
    bytes.map((byte) => byte ^ 0x5a),
    0,
    4,
    at,
  );
  closeSync(file);
  return true;
}

/** A few bytes of a log or snapshot are changed. The member must find them, or never need them. */
export const damage: Family = {
  ...common,
  name: "damage",
  async strike(field) {
    const { world, chance } = field;
    const member = await killForData(field);
    if (member === null) return notWhole;
    const { store } = world;
    const isLog = chance.below(3) > 0;
    const folder = isLog
      ? store.logDirectory(member.directory, member.id)
      : store.snapshotDirectory(member.directory, member.id);
    const files = readdirSync(folder).filter((name) => !isLog || name.startsWith("wal-"));
    const path = files.length === 0 ? null : join(folder, chance.pick(files));
    const isDamaged = path !== null && statSync(path).isFile() && damageFile(field, path);
    world.start(member);
    if (isDamaged) return healByItself(field, member, `bytes of a ${isLog ? "log" : "snapshot"} damaged:`);
    return { ...healByItself(field, member, "no file to damage, only restarted:"), isNothing: true };
  },
};
