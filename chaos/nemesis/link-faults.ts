/** Faults of links: what happens to connections between members while the processes are well. */
import { linkFaults } from "../world/links.ts";
import type { Family, Field } from "./family.ts";

function ids({ world }: Field): number[] {
  return world.present.map(({ id }) => id);
}

const common = {
  isolation: "link",
  holdMs: [1_000, 8_000],
  isGeneral: true,
  needs: "two members, and no other fault of links",
  may: ({ world }: Field): boolean => world.present.length > 1 && !world.links.hasFaults,
} as const;

/** One or both ways between two members, any kind of fault. */
export const link: Family = {
  ...common,
  name: "link",
  async strike(field) {
    const { links } = field.world;
    const all = ids(field);
    const from = field.chance.pick(all);
    const to = field.chance.pick(all.filter((id) => id !== from));
    const fault = field.chance.pick(linkFaults);
    links.strike(from, to, fault);
    const isBoth = field.chance.below(2) === 0;
    if (isBoth) links.strike(to, from, fault);
    return {
      what: `${fault} n${from}${isBoth ? "-" : ">"}n${to}`,
      heal: async () => {
        links.heal(from, to);
        links.heal(to, from);
      },
    };
  },
};

/** One member, often the leader, is cut off from all others. */
export const partition: Family = {
  ...common,
  name: "partition",
  async strike(field) {
    const { links, leader } = field.world;
    const all = ids(field);
    const one = field.chance.below(2) === 0 && all.includes(leader) ? leader : field.chance.pick(all);
    const fault = field.chance.pick(["cut", "silent"] as const);
    const pairs = all.filter((id) => id !== one).flatMap((id) => [[one, id] as const, [id, one] as const]);
    if (one === leader) field.onLeaderLost("cut off");
    for (const [from, to] of pairs) links.strike(from, to, fault);
    const heal = async (): Promise<void> => pairs.forEach(([from, to]) => links.heal(from, to));
    return { what: `n${one} alone (${fault})`, heal };
  },
};

/** Many of the open connections are reset, or closed in good order; new connections are well. */
export const reset: Family = {
  ...common,
  name: "reset",
  needs: "two members",
  holdMs: [0, 200],
  may: ({ world }) => world.present.length > 1,
  async strike(field) {
    const { links } = field.world;
    const all = ids(field);
    // The leak that a close in good order may show was metaStore's; another store is only reset, as before.
    const how = field.world.store.name === "metaStore" ? field.chance.pick(["reset", "closed"] as const) : "reset";
    let count = 0;
    for (const from of all) for (const to of all) if (field.chance.below(2) === 0) count += links.endAll(from, to, how);
    return { what: `${count} connections ${how}`, heal: async () => undefined };
  },
};
