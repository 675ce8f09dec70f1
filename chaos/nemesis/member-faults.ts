/** Changes of who belongs to the cluster, and where, while it works. Budget rule 7 holds. */
import type { MemberProcess } from "../world/member-process.ts";
import type { Member } from "../world/member.ts";
import { type Arrival, awaitArrival } from "./arrival.ts";
import { healByItself, rejoin } from "./directory-faults.ts";
import { type Family, type Field, nothing } from "./family.ts";
import { drawMember } from "./process-faults.ts";
import { judgeRemoval } from "./removal.ts";

const operatorMs = 60_000;
const exitMs = 30_000;
/** So long a member may take to be ready while others are struck. */
const readyMs = 30_000;
/** With all else left alone: to start a process and to send a snapshot may take so many times the time to serve. */
const serveTimes = 3;

/** Waits until all of them are ready; those that are late are a finding. */
async function mustBeReady(field: Field, members: readonly Member[], after: string): Promise<Arrival> {
  const { world, serveMs, onFinding } = field;
  const notReady = async (): Promise<Member[]> => {
    const areReady = await Promise.all(members.map((member) => world.isReady(member)));
    return members.filter((_, k) => !areReady[k]);
  };
  const boundMs = serveTimes * serveMs;
  const isThere = async (): Promise<boolean> => (await notReady()).length === 0;
  const arrival = await awaitArrival(field, isThere, readyMs, boundMs);
  if (arrival !== "late") return arrival;
  const who = (await notReady()).map(({ id }) => `n${id}`).join(", ");
  onFinding("recovery", `${who} is not ready after ${after}, though all are left alone for ${boundMs} ms`);
  return arrival;
}

/** Waits until a removed member has ended by itself, with 0; then its directory goes. `running`: its process until then. */
async function leave(field: Field, member: Member, running: MemberProcess | null): Promise<void> {
  const { world } = field;
  const hasEnded = await world.until(() => running === null || running.exit !== null, exitMs);
  const exit = running?.exit;
  if (!hasEnded) field.onFinding("removal", `n${member.id} was removed and still runs after ${exitMs} ms`);
  else if (exit && exit.code !== 0)
    field.onFinding("removal", `n${member.id} was removed and ended with ${exit.signal ?? `exit ${exit.code}`}`);
  await world.end(member, "SIGKILL");
  member.wipe();
  member.mayEnd = null;
}

/** A spare machine is added as a member, serves a while and is removed again. */
export const grow: Family = {
  name: "grow-shrink",
  needs: "a spare machine",
  isolation: "members",
  holdMs: [1_000, 8_000],
  isGeneral: false,
  may: ({ world }) => world.members.some(({ phase }) => phase === "absent"),
  async strike(field) {
    const { world, operator } = field;
    const member = field.take(field.chance.pick(world.members.filter(({ phase }) => phase === "absent")));
    const path = `/v1/members/${member.id}`;
    const urls = world.present.map(({ url }) => url);
    const isAdded = await operator.must("POST", `/${member.id}`, member.url, member.id, operatorMs);
    if (!isAdded) field.onFinding("membership", `n${member.id} cannot be added`);
    member.joinsBy = urls;
    world.start(member);
    // From here on its cluster can admit it.
    if (isAdded) await mustBeReady(field, [member], "it was added and started");
    return {
      what: `n${member.id} added, and removed again`,
      heal: async () => {
        member.mayEnd = "it is removed";
        const { process: running } = member;
        if (!(await operator.must("DELETE", path, undefined, member.id, operatorMs)))
          field.onFinding("membership", `n${member.id} cannot be removed`);
        await leave(field, member, running);
        member.phase = "absent";
      },
    };
  },
};

/** A member is removed while it runs, and comes back empty under its id. */
export const replace: Family = {
  name: "replace",
  needs: "three members or more that are all ready",
  isolation: "data",
  holdMs: [0, 0],
  isGeneral: false,
  may: ({ free, world }) => free.length > 0 && world.present.every(({ isUp }) => isUp),
  async strike(field) {
    const { world, operator, budget } = field;
    const member = field.take(drawMember(field));
    if (!(await budget.mayTakeData(member))) return nothing("not all members are whole");
    budget.taken(member);
    member.mayEnd = "it is removed";
    const { process: running } = member;
    await judgeRemoval(field, member, () =>
      operator.must("DELETE", `/v1/members/${member.id}`, undefined, member.id, operatorMs),
    );
    await leave(field, member, running);
    const isElsewhere = field.chance.below(2) === 0;
    if (isElsewhere) await world.move(member);
    if (!(await rejoin(field, member))) field.onFinding("membership", `n${member.id} cannot be added again`);
    return healByItself(field, member, `removed and added again${isElsewhere ? " at a new URL" : ""}:`);
  },
};

/** A member comes back at another address; the others must find it. */
export const move: Family = {
  name: "move",
  needs: "a member that runs",
  isolation: "members",
  holdMs: [0, 0],
  isGeneral: false,
  may: ({ free, world }) => free.length > 0 && world.present.every(({ isUp }) => isUp),
  async strike(field) {
    const { world } = field;
    const member = field.take(field.chance.pick(field.free));
    await world.end(member, "SIGTERM");
    await world.move(member);
    world.start(member);
    await mustBeReady(field, [member], "its start at a new address");
    return { what: `n${member.id} started at a new address`, heal: async () => undefined };
  },
};

/** All at once: nobody is where the configuration says. An operator who says where they are now finds them all again. */
export const moveAll: Family = {
  name: "move-all",
  needs: "the founders, and no others, are members and run",
  isolation: "alone",
  holdMs: [0, 0],
  isGeneral: false,
  may: ({ world }) => world.hasOnlyFounders && world.present.every(({ isUp }) => isUp),
  async strike(field) {
    const { world, chance } = field;
    const members = world.present.map((member) => field.take(member));
    const signal = chance.pick(["SIGKILL", "SIGTERM"] as const);
    await Promise.all(members.map((member) => world.end(member, signal)));
    for (const member of members) await world.move(member);
    world.renameFounders();
    for (const member of members) {
      member.joinsBy = null;
      world.start(member, ["--peer-url", member.url]);
    }
    await mustBeReady(field, members, "all were started at new addresses");
    return { what: "all started at new addresses", heal: async () => undefined };
  },
};
