/** Changes of who belongs to the cluster, and where, while it works. Budget rule 7 holds. */
import type { MemberProcess } from "../world/member-process.ts";
import type { Member } from "../world/member.ts";
import { healByItself, rejoin } from "./directory-faults.ts";
import { type Family, type Field, nothing } from "./family.ts";
import { drawMember } from "./process-faults.ts";
import { judgeRemoval } from "./removal.ts";

const operatorMs = 60_000;
const exitMs = 30_000;
const readyMs = 60_000;

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
    if (!(await operator.must("POST", `/${member.id}`, member.url, member.id, operatorMs)))
      field.onFinding("membership", `n${member.id} cannot be added`);
    member.joinsBy = urls;
    world.start(member);
    await world.until(() => world.isReady(member), readyMs);
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
    await world.until(() => world.isReady(member), readyMs);
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
    const areReady = await world.until(
      async () => (await Promise.all(members.map((member) => world.isReady(member)))).every(Boolean),
      readyMs,
    );
    if (!areReady && !world.isHurried)
      field.onFinding("recovery", `not all are ready ${readyMs} ms after all were started at new addresses`);
    return { what: "all started at new addresses", heal: async () => undefined };
  },
};
