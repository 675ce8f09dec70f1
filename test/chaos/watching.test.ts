/** What watches a run: repeated lines, connections that nobody ends, members that were left alone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { rmSync } from "node:fs";
import test from "ava";
import { Budget } from "../../chaos/nemesis/budget.ts";
import { Nemesis } from "../../chaos/nemesis/nemesis.ts";
import { type Family, nothing } from "../../chaos/nemesis/family.ts";
import type { Operator } from "../../chaos/nemesis/operator.ts";
import { MetaStore } from "../../chaos/store/meta-store.ts";
import { Links } from "../../chaos/world/links.ts";
import { MemberProcess } from "../../chaos/world/member-process.ts";
import { halfEndedOf } from "../../chaos/world/proc.ts";
import type { Member } from "../../chaos/world/member.ts";
import type { World } from "../../chaos/world/world.ts";
import { freshDirectory } from "../support/processes.ts";

test("a line that is repeated within a minute is counted, whatever its time", async (t) => {
  const directory = freshDirectory();
  const lines = [1, 2, 3, 4].map((k) => `2026-01-01T00:00:0${k}.000Z warn the same (repeated ${k} times)`);
  const command = ["sh", "-c", `printf '%s\\n' "$@" 'info another' >&2`, "sh", ...lines];
  const member = new MemberProcess(command, join(directory, "log"));
  await member.ended;
  t.deepEqual(member.mostRepeated, { text: "warn the same", count: 4 });
  rmSync(directory, { recursive: true });
});

test("connections whose other end has ended are counted for the process that keeps them", async (t) => {
  const script = `require("net").createServer({ allowHalfOpen: true }, () => undefined).listen(0, "127.0.0.1", function () {
    console.log(this.address().port);
  })`;
  const keeper = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = (await once(keeper.stdout, "data")) as [Buffer];
  const sockets = [1, 2, 3].map(() => connect(Number(chunk.toString()), "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  t.is(halfEndedOf(keeper.pid!), 0);
  for (const socket of sockets) socket.end();
  while (halfEndedOf(keeper.pid!) < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  keeper.kill();
  await once(keeper, "exit");
  t.is(halfEndedOf(keeper.pid!), 0);
});

test("links remember that something was done to them", (t) => {
  const links = new Links();
  t.is(links.touchedAtMs, -Infinity);
  links.strike(1, 2, "slow");
  const struckAtMs = links.touchedAtMs;
  t.true(struckAtMs > -Infinity);
  links.heal(2, 1);
  t.is(links.touchedAtMs, struckAtMs);
  links.heal(1, 2);
  t.false(links.hasFaults);
});

test("a strike that comes to nothing is no fault", async (t) => {
  let [isOver, strikes] = [false, 0];
  const family: Family = {
    name: "none",
    needs: "nothing at all",
    isolation: "link",
    holdMs: [0, 0],
    isGeneral: true,
    may: () => true,
    strike: async () => {
      strikes += 1;
      isOver = strikes === 2;
      return strikes === 1 ? nothing("it is too early") : { what: "one", heal: async () => undefined };
    },
  };
  const world = { present: [] } as unknown as World;
  const findings: string[] = [];
  const onFinding = (kind: string, text: string): void => void findings.push(`${kind} ${text}`);
  const nemesis = new Nemesis({
    seed: 1,
    world,
    operator: null as unknown as Operator,
    families: [family],
    now: () => 0,
    isOver: () => isOver,
    needsCalm: () => false,
    write: async () => "",
    serveMs: 1_000,
    onFinding,
  });
  await nemesis.run();
  t.deepEqual([...nemesis.counts], [["none", 1]]);
  t.deepEqual(
    nemesis.bands.map(({ what }) => what),
    ["nothing: it is too early", "one"],
  );
  t.deepEqual(findings, []);
});

test("a start in vain never names the list of its own cluster, nor one as long", (t) => {
  const directory = freshDirectory();
  const store = new MetaStore({ main: "main.js", rocksdb: false });
  const founders = [1, 2, 3].map((k) => `http://127.0.0.1:1000${k}`);
  for (const count of [3, 4, 5]) {
    for (const id of [1, 2, 3]) {
      const place = { id, port: 1, listenPort: 2, url: founders[id - 1]!, founders, joinsBy: null, directory };
      const { command } = store.startsInVain(place, count).find(({ isBesideProcess }) => !isBesideProcess)!;
      const list = command[command.indexOf("--cluster") + 1]!.split(",");
      t.true(list.length >= id && list.length !== 3 && list.length !== count);
      t.deepEqual(
        list.filter((url) => founders.includes(url)),
        [],
      );
    }
  }
  rmSync(directory, { recursive: true });
});

test("no member's data are taken while the voters change: of two that voted before, each is still needed", async (t) => {
  const store = new MetaStore({ main: "main.js", rocksdb: false });
  const members = [1, 2, 3].map((id) => ({ id, isUp: true }) as Member);
  const mayTake = (roles: readonly string[]): Promise<boolean> => {
    const body = JSON.stringify({
      role: "leader",
      term: 1,
      leader: 1,
      appliedIndex: 9,
      commitIndex: 9,
      members: roles.map((role, k) => ({ id: k + 1, role })),
    });
    const world = {
      members,
      present: members,
      leader: 1,
      isReady: async () => true,
      stateOf: async () => store.stateOf({ kind: "answer", status: 200, headers: {}, body }),
    };
    return new Budget(world as unknown as World).mayTakeData(members[1]!);
  };
  t.true(await mayTake(["voter", "voter", "voter"]));
  t.false(await mayTake(["voter", "voter", "joining"]));
  t.false(await mayTake(["voter", "voter", "leaving"]));
  t.false(await mayTake(["voter", "voter", "learner"]));
  t.false(await mayTake(["voter", "voter", "voter", "leaving"]));
});
