/** Faults of processes: killed, stopped, told to stop one after the other. */
import type { Member } from "../world/member.ts";
import type { Family, Field } from "./family.ts";

function running(field: Field): readonly Member[] {
  return field.free.filter(({ isUp }) => isUp);
}

function someRun(field: Field): boolean {
  return running(field).length > 0;
}

/** The leader every other time: that is where it hurts. */
export function drawMember(field: Field): Member {
  const all = running(field);
  const leader = all.find(({ id }) => id === field.world.leader);
  return leader !== undefined && field.chance.below(2) === 0 ? leader : field.chance.pick(all);
}

/** SIGKILL, and a start a while later: what was acknowledged is still there. */
export const kill: Family = {
  name: "kill",
  needs: "a member that runs",
  isolation: "process",
  holdMs: [200, 4_000],
  isGeneral: true,
  may: someRun,
  async strike(field) {
    const member = field.take(drawMember(field));
    await field.kill(member);
    return { what: `kill -9 n${member.id}`, heal: () => startAgain(field, member) };
  },
};

/** Starts the member's process, unless it runs or the member is gone meanwhile. */
export async function startAgain({ world }: Field, member: Member): Promise<void> {
  if (member.phase !== "absent" && member.process === null) world.start(member);
}

/** SIGKILL to all members at once: nothing is left but what their disks hold. */
export const killAll: Family = {
  ...kill,
  name: "kill-all",
  needs: "all members run",
  isolation: "alone",
  holdMs: [200, 1_500],
  may: ({ world }) => world.present.every(({ isUp }) => isUp),
  async strike(field) {
    const members = field.world.present.map((member) => field.take(member));
    field.onLeaderLost("killed with all others");
    await Promise.all(members.map((member) => field.world.end(member, "SIGKILL")));
    return { what: "kill -9 all", heal: async () => members.forEach((member) => void startAgain(field, member)) };
  },
};

/** SIGSTOP, then SIGCONT: to itself no time has passed. */
export const pause: Family = {
  name: "pause",
  needs: "a member that runs",
  isolation: "process",
  holdMs: [500, 6_000],
  isGeneral: true,
  may: someRun,
  async strike(field) {
    const { world } = field;
    const member = field.take(drawMember(field));
    if (member.id === world.leader) field.onLeaderLost("paused");
    world.pause(member);
    return { what: `SIGSTOP n${member.id}`, heal: async () => world.resume(member) };
  },
};

const readyMs = 60_000;

/** SIGTERM and a new start, one member after the other, as an upgrade is done. No request may be lost by it. */
export const rolling: Family = {
  name: "rolling",
  needs: "all members are ready",
  isolation: "alone",
  holdMs: [0, 0],
  isGeneral: true,
  may: ({ world }) => world.present.every(({ isUp }) => isUp),
  async strike(field) {
    const { world } = field;
    for (const member of world.present) {
      field.take(member);
      // A process that is still loading its program ends without a word.
      await world.until(() => world.isReady(member), readyMs);
      if (member.process !== null) member.process.owesAnswers = true;
      const exit = await world.end(member, "SIGTERM");
      if (world.store.name === "metaStore" && exit !== null && exit.code !== 0) {
        const how = exit.signal ?? `exit ${exit.code}`;
        field.onFinding("stop", `n${member.id} was told to stop by SIGTERM and ended with ${how}`);
      }
      world.start(member);
      await world.until(() => world.isReady(member), readyMs);
    }
    return { what: "SIGTERM, one after the other", heal: async () => undefined };
  },
};
