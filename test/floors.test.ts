/**
 * The floors of the house: a room imports only from rooms that stand below it. A room is a folder, or a file that stands
 * beside the folders. Circles of files are left to the linter (import/no-cycle, types included).
 */
import { existsSync } from "node:fs";
import test from "ava";
import { filesImportedBy, type Source, sources } from "./support/sources.ts";

const coreGround = ["assert.ts", "units.ts", "bytes.ts", "result.ts"];
const simGround = ["draws.ts", "keys.ts", "violation.ts", "laws", "scheduler.ts"];
const simWatchers = [
  "node-options.ts",
  "bus.ts",
  "change-request.ts",
  "trace-writer.ts",
  "state-recorder.ts",
  "machine-keeper.ts",
];
const simTools = ["run.ts", "tape.ts", "shrink.ts", "verify.ts"];

/** From the ground up: each room of core and sim, and the rooms beside it that it may import. All of those stand before it. */
const floors: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  core: {
    "assert.ts": [],
    "units.ts": ["assert.ts"],
    "bytes.ts": ["assert.ts", "units.ts"],
    "result.ts": [],
    "limits.ts": ["assert.ts", "units.ts"],
    protocol: coreGround,
    "ports.ts": [...coreGround, "protocol"],
    raft: [...coreGround, "protocol", "ports.ts"],
    kv: [...coreGround, "limits.ts", "protocol"],
    storage: [...coreGround, "limits.ts", "protocol", "ports.ts", "kv"],
    node: [...coreGround, "limits.ts", "protocol", "ports.ts", "raft", "kv", "storage"],
    "index.ts": [...coreGround, "limits.ts", "protocol", "ports.ts", "raft", "kv", "storage", "node"],
  },
  sim: {
    "ambient.ts": [],
    "draws.ts": [],
    "keys.ts": [],
    "violation.ts": [],
    laws: ["violation.ts"],
    "laws.ts": ["violation.ts", "laws"],
    "scheduler.ts": ["laws"],
    plan: [],
    "interventions.ts": [],
    "tape.ts": ["draws.ts", "plan", "interventions.ts"],
    trace: simGround,
    world: [...simGround, "plan", "trace"],
    "node-options.ts": ["plan", "world"],
    "bus.ts": ["plan", "trace", "world"],
    "change-request.ts": ["world", "bus.ts"],
    "trace-writer.ts": ["scheduler.ts", "trace", "world", "bus.ts"],
    "state-recorder.ts": ["laws", "trace", "world", "bus.ts"],
    safety: [...simGround, "plan", "trace", "world", "node-options.ts", "bus.ts"],
    nemesis: [...simGround, "plan", "trace", "world", "bus.ts", "safety"],
    workload: [...simGround, "plan", "trace", "world", "bus.ts", "change-request.ts", "safety"],
    "machine-keeper.ts": ["world", "bus.ts", "safety", "nemesis"],
    "intervener.ts": ["scheduler.ts", "plan", "interventions.ts", "trace", "world", "nemesis", "workload"],
    "simulator.ts": [
      ...simGround,
      "plan",
      "interventions.ts",
      "trace",
      "world",
      ...simWatchers,
      "safety",
      "nemesis",
      "workload",
      "intervener.ts",
    ],
    liveness: [...simGround, "laws.ts", "plan", "world", "safety", "change-request.ts", "simulator.ts"],
    "run.ts": [...simGround, "laws.ts", "ambient.ts", "plan", "interventions.ts", "simulator.ts", "liveness"],
    "play.ts": ["violation.ts", "ambient.ts", "interventions.ts", "tape.ts", "trace", "world", "simulator.ts"],
    "scenario.ts": [...simGround, "plan", "world", "change-request.ts", "simulator.ts"],
    "verify.ts": ["plan", "tape.ts", "run.ts"],
    "shrink.ts": ["draws.ts", "plan", "interventions.ts", "tape.ts", "run.ts"],
    report: ["violation.ts", "laws.ts", "ambient.ts", "plan", "trace", "workload", "simulator.ts", "run.ts"],
    "index.ts": ["plan", "trace", "report", "scenario.ts", ...simTools],
    cli: ["draws.ts", "laws.ts", "plan", "trace", "nemesis", "report", ...simTools],
    "main.ts": ["cli"],
  },
};

/** Where circles of rooms are looked for; what no user runs may import whatever it likes. */
const houses = ["core", "sim", "checker", "server", "chaos", "mutation", "pages", "build"] as const;

function roomOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** Every import of a room by another one. */
function stairs(all: readonly Source[]): { readonly path: string; readonly target: string }[] {
  return all.flatMap((source) =>
    filesImportedBy(source)
      .filter((target) => roomOf(target) !== roomOf(source.path))
      .map((target) => ({ path: source.path, target })),
  );
}

/** Every import of a room that stands higher, or on which the importing room does not stand by the table. */
function complaints(all: readonly Source[]): string[] {
  const unknown = new Set(
    all
      .map(({ path }) => path.split("/") as [string, string])
      .filter(([house, room]) => house in floors && !(room in floors[house]!))
      .map(([house, room]) => `${house}/${room} has no floor: give it a line in the table of test/floors.test.ts`),
  );
  const wrong = stairs(all).flatMap(({ path, target }) => {
    const [house, room] = path.split("/") as [string, string];
    const [targetHouse, below] = target.split("/") as [string, string];
    const order = floors[house];
    if (order === undefined || house !== targetHouse || !(room in order) || order[room]!.includes(below)) return [];
    const names = Object.keys(order);
    const goesUp = names.indexOf(below) > names.indexOf(room);
    return [
      `${path} imports ${target}: ${house}/${room} ${goesUp ? "stands below" : "does not stand on"} ${house}/${below}`,
    ];
  });
  return [...unknown, ...wrong];
}

/** One way from a room back to itself, or null. */
function circleOf(all: readonly Source[]): string | null {
  const graph = new Map<string, Set<string>>();
  for (const { path, target } of stairs(all)) {
    const from = roomOf(path);
    graph.set(from, (graph.get(from) ?? new Set()).add(roomOf(target)));
  }
  const done = new Set<string>();
  const walk = (room: string, way: readonly string[]): string | null => {
    if (way.includes(room)) return [...way.slice(way.indexOf(room)), room].join(" -> ");
    if (done.has(room)) return null;
    for (const next of graph.get(room) ?? []) {
      const circle = walk(next, [...way, room]);
      if (circle !== null) return circle;
    }
    done.add(room);
    return null;
  };
  for (const room of graph.keys()) {
    const circle = walk(room, []);
    if (circle !== null) return circle;
  }
  return null;
}

const all = houses.flatMap((house) => sources(house));

test("each room stands on rooms that are named before it, and exists", (t) => {
  for (const [house, order] of Object.entries(floors))
    for (const [k, [room, below]] of Object.entries(order).entries()) {
      t.true(existsSync(`${house}/${room}`), `${house}/${room} is in the table, and nowhere else`);
      const before = Object.keys(order).slice(0, k);
      t.deepEqual(
        below.filter((one) => !before.includes(one)),
        [],
        `${house}/${room} stands on what is not below it`,
      );
    }
});

test("no import of core or sim goes up", (t) => {
  t.true(stairs(all).length > 500);
  t.deepEqual(complaints(all), []);
});

test("no circle of rooms", (t) => {
  t.is(circleOf(all), null);
});

for (const [what, path, text, sentence] of [
  [
    "Raft imports the node",
    "core/raft/bad.ts",
    'import type { Node } from "../node/node.ts";',
    "core/raft/bad.ts imports core/node/node.ts: core/raft stands below core/node",
  ],
  [
    "rows import Raft",
    "core/storage/bad.ts",
    'export { Raft } from "../raft/raft.ts";',
    "core/storage/bad.ts imports core/raft/raft.ts: core/storage does not stand on core/raft",
  ],
  [
    "the world imports the nemesis",
    "sim/world/bad.ts",
    'import { Nemesis } from "../nemesis/nemesis.ts";',
    "sim/world/bad.ts imports sim/nemesis/nemesis.ts: sim/world stands below sim/nemesis",
  ],
  [
    "a folder that is in no table",
    "core/cellar/bad.ts",
    "",
    "core/cellar has no floor: give it a line in the table of test/floors.test.ts",
  ],
] as const) {
  test(`a planted import is noticed: ${what}`, (t) => {
    t.deepEqual(complaints([{ path, text }]), [sentence]);
  });
}

test("a planted circle is noticed", (t) => {
  const planted = [
    { path: "server/start.ts", text: 'import { createApi } from "./api/api.ts";' },
    { path: "server/api/api.ts", text: 'import type { Started } from "../start.ts";' },
  ];
  t.is(circleOf(planted), "server/start.ts -> server/api -> server/start.ts");
  t.is(circleOf(planted.slice(1)), null);
});
