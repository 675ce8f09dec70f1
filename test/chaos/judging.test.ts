/** What judges a run by its time, on made-up times and members: what must be found, and what a slow machine must not make. */
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import test from "ava";
import type { Ask } from "../../chaos/http.ts";
import { askEverySort, serve } from "../../chaos/judgement/liveness.ts";
import { wellMajority, WriteProgress } from "../../chaos/judgement/write-progress.ts";
import { awaitArrival } from "../../chaos/nemesis/arrival.ts";
import { splitAround } from "../../chaos/nemesis/directory-faults.ts";
import type { Shop } from "../../chaos/workload/client.ts";
import { Recorder } from "../../chaos/workload/history.ts";
import { whatHangs } from "../../chaos/workload/raw-client.ts";
import { Links } from "../../chaos/world/links.ts";
import type { Member } from "../../chaos/world/member.ts";
import { Pace } from "../../chaos/world/pace.ts";
import { hadItsTime, Requests } from "../../chaos/world/requests.ts";
import { sources } from "../support/sources.ts";

/** Time that passes only when somebody sleeps, or when a test says so. */
class MadeTime {
  nowMs = 1_000;
  readonly now = (): number => this.nowMs;
  readonly sleep = async (ms: number): Promise<void> => void (this.nowMs += ms);

  /** Passes time in steps that do not look like a freeze. */
  async pass(pace: Pace, ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await this.sleep(Math.min(100, left));
      pace.fairNow();
    }
  }
}

function madePace(): { readonly time: MadeTime; readonly pace: Pace } {
  const time = new MadeTime();
  const pace = new Pace(time);
  // The timer of the pace itself runs in real time.
  pace.close();
  return { time, pace };
}

function madeMember(id: number, more: Partial<Member> = {}): Member {
  return { id, port: 1, isUp: true, isShort: false, mayEnd: null, disturbedAtMs: -Infinity, ...more } as Member;
}

type Told = { readonly kind: string; readonly text: string };

function collect(): { readonly told: Told[]; readonly onFinding: (kind: string, text: string) => void } {
  const told: Told[] = [];
  return { told, onFinding: (kind, text) => void told.push({ kind, text }) };
}

test("a frozen machine uses up nobody's time", async (t) => {
  const { time, pace } = madePace();
  await time.pass(pace, 5_000);
  t.is(pace.fairNow(), 5_000);
  t.false(pace.wasStarvedSince(0));
  time.nowMs += 60_000;
  t.true(pace.wasStarvedSince(time.nowMs - 1));
  t.true(pace.fairNow() < 6_000);
  await time.pass(pace, 1_000);
  t.false(pace.wasStarvedSince(time.nowMs - 900));
});

test("what comes after its bound has not come, also where it is seen at once", async (t) => {
  const { time, pace } = madePace();
  let asks = 0;
  const slow = async (): Promise<boolean> => {
    await time.pass(pace, 4_000);
    return ++asks === 3;
  };
  t.false(await pace.until(slow, 10_000));
  t.true(await pace.until(() => true, 0));
  const freezing = (): boolean => {
    time.nowMs += asks++ === 3 ? 60_000 : 100;
    return asks > 8;
  };
  t.true(await pace.until(freezing, 2_000));
});

test("a machine that never has time is not waited for for ever", async (t) => {
  const { time, pace } = madePace();
  const frozen = (): boolean => {
    time.nowMs += 5_000;
    return false;
  };
  t.false(await pace.until(frozen, 1_000));
  t.true(time.nowMs < 30_000);
});

test("a request of any sort that a member left alone does not answer is a finding", async (t) => {
  const { time, pace } = madePace();
  const { told, onFinding } = collect();
  const requests = new Requests({ store: { requestMsMax: -9_950 }, pace, isHurried: false }, onFinding);
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const member = madeMember(2, { port: (server.address() as { port: number }).port });
  const ask: Ask = { method: "GET", path: "/readyz" };
  for (const what of ["the opening of a session", "a stale read of k", "get of k", "DELETE /3"])
    await requests.ask(member, ask, what);
  t.deepEqual(
    told.map(({ kind }) => kind),
    Array.from({ length: 4 }, () => "hung"),
  );
  t.regex(told[0]!.text, /^the opening of a session at n2 has no answer/);
  await requests.askBriefly(member, ask, 10);
  member.disturbedAtMs = time.nowMs;
  await requests.ask(member, ask, "get of a member that is struck");
  t.is(told.length, 4);
  await requests.close();
  server.close();
});

function get(path: string): Ask {
  return { method: "GET", path };
}

test("at the end every member is asked for each sort of answer, and one that hangs is a finding", async (t) => {
  const { pace } = madePace();
  const { told, onFinding } = collect();
  // Answers everything but the opening of a session.
  const server = createHttpServer((request, response) => {
    if (request.url !== "/session") response.end("x");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const member = madeMember(3, { port: (server.address() as { port: number }).port });
  const [sessionAsk, readyAsk, statusAsk] = [get("/session"), get("/ready"), get("/status")];
  const store = { requestMsMax: -9_500, sessionAsk, readyAsk, statusAsk, keyAsk: () => get("/key") };
  await askEverySort({ world: { present: [member], store, pace, isHurried: false }, onFinding } as unknown as Shop);
  t.is(told.length, 1);
  t.regex(told[0]!.text, /^the opening of a session at n3 has no answer/);
  server.closeAllConnections();
  server.close();
});

test("a member is owed no time that it did not have", async (t) => {
  const { time, pace } = madePace();
  const sinceMs = time.nowMs;
  await time.pass(pace, 20_000);
  t.true(hadItsTime(madeMember(1), sinceMs, pace));
  t.false(hadItsTime(madeMember(1, { isUp: false }), sinceMs, pace));
  t.false(hadItsTime(madeMember(1, { isShort: true }), sinceMs, pace));
  t.false(hadItsTime(madeMember(1, { disturbedAtMs: sinceMs + 1 }), sinceMs, pace));
  time.nowMs += 5_000;
  t.false(hadItsTime(madeMember(1), sinceMs, pace));
});

test("no request goes past the place that judges it", (t) => {
  const direct = sources("chaos").filter(({ text }) => /\bnew HttpClient\(/.test(text));
  // The world's polls give up early; the watch of readiness asks the same with its whole time.
  t.deepEqual(
    direct.map(({ path }) => path),
    ["chaos/world/requests.ts", "chaos/world/world.ts"],
  );
  // Wall time bounds the writes that a fault makes itself, and the checker's budget. Nothing is judged by it.
  const own = sources("chaos").filter(({ text }) => /performance\.now\(\) \+/.test(text));
  t.deepEqual(
    own.map(({ path }) => path),
    ["chaos/nemesis/resource-faults.ts", "chaos/workload/history.ts"],
  );
});

test("pipelined and half-closed requests hang where an answer does not come, or its connection is not taken", (t) => {
  const reply = { kind: "answer", status: 204, headers: {}, body: "" } as const;
  const exchanged = { replies: [reply], isLate: true, isTaken: true, sinceMs: 0 };
  t.is(whatHangs(exchanged, 6, false), "no answer after the first 1");
  t.is(whatHangs({ ...exchanged, replies: [], isTaken: false }, 6, false), "the connection is not taken");
  t.is(whatHangs({ ...exchanged, isLate: false }, 6, false), null);
  t.is(whatHangs({ ...exchanged, replies: [], isLate: false }, 1, true), "closed after 0 answers");
  t.is(whatHangs({ ...exchanged, isLate: false }, 1, true), null);
});

/** A world of one member, whose store answers from `servesAtMs` on. */
function servingAt(servesAtMs: number): { readonly shop: Shop; readonly told: Told[] } {
  const { time, pace } = madePace();
  const { told, onFinding } = collect();
  const member = madeMember(1);
  const isHurried = false;
  const store = {
    requestMsMax: 5_000,
    keyAsk: () => ({ method: "GET", path: "/" }),
    keyTold: () => {
      // An answer takes its time; there is no server at that port.
      const isServing = time.nowMs - 1_000 >= servesAtMs;
      time.nowMs += 100;
      return isServing
        ? { kind: "ok", value: null, revision: undefined, keyRevision: 1 }
        : { kind: "none", why: "503 no-leader" };
    },
  };
  const until: Shop["world"]["until"] = (condition, patienceMs) => pace.until(condition, patienceMs);
  const world = { present: [member], store, pace, isHurried, until } as unknown as Shop["world"];
  const recorder = new Recorder(onFinding);
  return { shop: { world, recorder, onFinding, keys: new Set<string>() } as unknown as Shop, told };
}

test("once all is healed each member serves within its time, and one that serves later is a finding", async (t) => {
  const good = servingAt(8_000);
  t.true((await serve(good.shop, 10_000)) < 10_000);
  t.deepEqual(good.told, []);
  const late = servingAt(12_000);
  const tookMs = await serve(late.shop, 10_000);
  t.true(tookMs >= 12_000 && tookMs < 13_000);
  t.regex(late.told[0]!.text, /n1 must serve 10000 ms after all is healed, and serves only after 12\d\d\d ms/);
  const dead = servingAt(Infinity);
  t.is(await serve(dead.shop, 10_000), Infinity);
  t.regex(dead.told[0]!.text, /does not serve: a write: 503 no-leader/);
});

async function never(): Promise<boolean> {
  return false;
}

test("a joiner that never becomes ready is late once its cluster was left alone for the bound, and not before", async (t) => {
  const { time, pace } = madePace();
  let calls = 0;
  const keepCalm = (): (() => void) => {
    calls += 1;
    return () => void (calls -= 1);
  };
  const struckUntilMs = time.nowMs + 50_000;
  let isLoaded = false;
  const field = { keepCalm, isLoaded: () => isLoaded };
  const world = {
    pace,
    isHurried: false,
    until: (condition: () => Promise<boolean>, patienceMs: number) => pace.until(condition, patienceMs),
    // Others are struck until calm was asked for and they are healed.
    wasLeftAlone: (sinceMs: number) => sinceMs > struckUntilMs,
  };
  t.is(await awaitArrival({ world, ...field }, never, 30_000, 30_000), "late");
  t.true(time.nowMs > struckUntilMs + 30_000);
  t.is(calls, 0);
  const comesAtMs = time.nowMs + 45_000;
  const comes = async (): Promise<boolean> => time.nowMs > comesAtMs;
  t.is(await awaitArrival({ world, ...field }, comes, 30_000, 30_000), "there");
  isLoaded = true;
  t.is(await awaitArrival({ world, ...field }, never, 1_000, 1_000), "untold");
  isLoaded = false;
  const struck = { ...world, wasLeftAlone: () => false };
  t.is(await awaitArrival({ world: struck, ...field }, never, 1_000, 1_000), "untold");
  t.is(await awaitArrival({ world: { ...world, isHurried: true }, ...field }, never, 1_000, 1_000), "untold");
});

test("a write that is taken lies on exactly a majority, and those that lack it are one with the victim", (t) => {
  for (const count of [3, 5, 7]) {
    const ids = Array.from({ length: count }, (_, k) => k + 1);
    for (const victim of ids)
      for (const leader of ids) {
        const { holders, behind } = splitAround(ids, victim, leader);
        const majority = (count + 1) / 2;
        t.is(holders.length + 1, majority);
        t.is(behind.length + 1, majority);
        t.false(behind.includes(leader) || behind.includes(victim) || holders.includes(victim));
        t.is(new Set([...holders, ...behind, victim]).size, count);
      }
  }
  t.deepEqual(splitAround([1, 2, 3, 4], 1, 2), { behind: [3], holders: [4, 2] });
});

test("a majority is well where it is up, connected with itself, and no half of a connection leads out of it", (t) => {
  const links = new Links();
  const members = [1, 2, 3].map((id) => madeMember(id, { disturbedAtMs: id }));
  t.deepEqual(wellMajority(members, links, []), { ids: [1, 2], sinceMs: 2 });
  t.deepEqual(wellMajority(members, links, [members[0]!]), { ids: [2, 3], sinceMs: 3 });
  links.strike(1, 2, "one-way");
  t.is(wellMajority(members, links, []).sinceMs, Infinity);
  links.heal(1, 2);
  for (const id of [1, 2]) {
    links.strike(3, id, "cut");
    links.strike(id, 3, "silent");
  }
  t.deepEqual(wellMajority(members, links, []).ids, [1, 2]);
  t.true(wellMajority(members, links, []).sinceMs > 3);
  links.heal(3, 1);
  t.is(wellMajority(members, links, []).sinceMs, Infinity);
  links.healAll();
  const two = members.map((member, k) => (k === 2 ? member : madeMember(member.id, { isUp: false })));
  t.is(wellMajority(two, links, []).sinceMs, Infinity);
});

test("a majority that is left alone must acknowledge a write, and a machine that is frozen accuses nobody", async (t) => {
  const { time, pace } = madePace();
  const { told, onFinding } = collect();
  const present = [1, 2, 3].map((id) => madeMember(id));
  let acknowledged = 0;
  const world = { present, links: new Links(), pace };
  const progress = new WriteProgress(
    world,
    20_000,
    () => acknowledged,
    () => [],
    onFinding,
  );
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      await time.pass(pace, 500);
      progress.look();
    }
  };
  await pass(15_000);
  t.true(progress.isStalled);
  acknowledged += 1;
  await pass(1_000);
  t.false(progress.isStalled);
  // The machine is frozen again and again.
  for (let k = 0; k < 10; k++) {
    await pass(5_000);
    time.nowMs += 30_000;
    progress.look();
  }
  // Other members are struck again and again.
  for (let k = 0; k < 10; k++) {
    await pass(5_000);
    for (const member of present.slice(1)) member.disturbedAtMs = time.nowMs;
  }
  t.deepEqual(told, []);
  await pass(25_000);
  t.is(told.length, 1);
  t.regex(told[0]!.text, /^no write is acknowledged for 20\d\d\d ms, though n1, n2 are up, connected and left alone/);
});
