/** Faults of a member's directory: gone, older, without its log, with damaged bytes. Budget rules 2 to 6 hold. */
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Member } from "../world/member.ts";
import { type Family, type Field, nothing, type Strike } from "./family.ts";

const restoreMs = 90_000;
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
  await field.world.end(member, "SIGKILL");
  field.budget.taken(member);
  return member;
}

const notWhole = nothing("not all members are whole");

/** The member must come back by itself, or by what was done for it, in its time. */
export function healByItself(field: Field, member: Member, what: string): Strike {
  return {
    what: `${what} n${member.id}`,
    heal: async () => {
      if (await field.budget.restored(member, restoreMs)) return;
      field.onFinding("recovery", `n${member.id} has not come back ${restoreMs} ms after: ${what}`);
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

/**
 * Stops `member` when it and the leader alone hold what was acknowledged last, changes its directory by `change`, and cuts
 * off the leader while the member is back and could vote: whoever believes the directory elects a leader that lacks writes.
 */
async function takeAcknowledged(field: Field, member: Member, change: () => void): Promise<void> {
  const { world } = field;
  const { leader } = world;
  const others = world.present.map(({ id }) => id);
  const cutOff = (one: number): void => {
    for (const id of others.filter((other) => other !== one)) {
      world.links.strike(one, id, "cut");
      world.links.strike(id, one, "cut");
    }
  };
  const behind = others.find((id) => id !== member.id && id !== leader);
  if (behind !== undefined) cutOff(behind);
  await field.hold(1_500);
  await world.end(member, "SIGKILL");
  world.links.healAll();
  if (leader !== member.id) cutOff(leader);
  field.budget.taken(member);
  change();
  world.start(member);
  await field.hold(6_000);
  world.links.healAll();
}

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
    // Those who are to recognise the copy must have heard of this later start.
    await field.budget.restored(member, readyMs);
    await takeAcknowledged(field, member, () => {
      member.wipe();
      Member.copy(copy, member.directory);
      rmSync(copy, { recursive: true });
    });
    return healByItself(field, member, "older copy put back:");
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
    await takeAcknowledged(field, member, () => {
      const files = readdirSync(log).filter((name) => name.startsWith("wal-"));
      const gone = chance.below(2) === 0 ? files : [chance.pick(files)];
      for (const name of gone) rmSync(join(log, name));
      what = `${gone.length} of ${files.length} log files deleted:`;
    });
    return healByItself(field, member, what);
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
