/** Changes of the membership that a node asks its leader for. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { DecidedChanges } from "../../core/node/decided-changes.ts";
import type { ChangeResult } from "../../core/node/options.ts";
import { PendingChanges } from "../../core/node/pending-changes.ts";
import { limitTable } from "../../core/limits.ts";
import type { Change } from "../../core/protocol/configuration.ts";
import type { ChangeReply, ChangeRequest, Outgoing } from "../../core/protocol/message.ts";
import type { Raft } from "../../core/raft/raft.ts";
import type { NodeId } from "../../core/units.ts";
import { contextOf } from "../support/node-context.ts";
import {
  configurationOf,
  electionMicros as raftElectionMicros,
  heartbeatMicros as raftHeartbeatMicros,
  Rafts,
} from "../support/rafts.ts";

const electionMicros = 100;
const heartbeatMicros = 10;
const raftTimes = { electionMicros: raftElectionMicros, heartbeatMicros: raftHeartbeatMicros };
const began = 1_000;
const leadsStill = (done: (isConfirmed: boolean) => void): void => done(true);

test("a node that stops asks no more for its new URL to be written down, and waits for no answer to that", (t) => {
  const configuration = configurationOf([1, 2, 3]);
  const ledByTwo = { leader: 2, role: "follower", term: 1, configuration } as Raft;
  for (const isStopping of [false, true]) {
    const asked: number[] = [];
    let clock = 0;
    const send = (): boolean => asked.push(clock) > 0;
    const context = contextOf(1, { send, options: { electionMicros, heartbeatMicros } });
    const changes = new PendingChanges(context, "http://elsewhere", leadsStill, () => false);
    const dispatch = (now: number): void => {
      clock = now;
      t.deepEqual(
        changes.dispatch(now, ledByTwo, () => false),
        [],
      );
    };
    dispatch(began);
    t.deepEqual(asked, [began]);
    if (isStopping) changes.endAnnouncement();
    const deadline = began + 2 * electionMicros;
    changes.expire(deadline);
    dispatch(deadline);
    t.deepEqual(asked, isStopping ? [began] : [began, deadline]);
    t.is(changes.count, 0);
  }
});

/** Real Rafts, and at each the changes that its operators ask for; change requests and replies wait until a test delivers them. */
class Operators {
  readonly rafts: Rafts;
  readonly said = new Map<string, ChangeResult>();
  letters: { readonly from: NodeId; readonly to: NodeId; readonly message: ChangeRequest | ChangeReply }[] = [];
  /** Confirmations that wait for the test; null: each is given at once. */
  unconfirmed: ((isConfirmed: boolean) => void)[] | null = null;
  readonly #changes = new Map<NodeId, PendingChanges>();

  constructor(voters: readonly NodeId[]) {
    this.rafts = new Rafts(configurationOf(voters));
    for (const id of voters) {
      const context = contextOf(id, { send: (outgoing) => this.#note(id, outgoing), options: raftTimes });
      this.#changes.set(
        id,
        new PendingChanges(
          context,
          null,
          (done) => this.#confirm(done),
          () => false,
        ),
      );
    }
    this.rafts.elect(1);
    this.rafts.pass(raftHeartbeatMicros);
    this.rafts.settle();
  }

  #confirm(done: (isConfirmed: boolean) => void): void {
    if (this.unconfirmed === null) done(true);
    else this.unconfirmed.push(done);
  }

  ask(at: NodeId, change: Change, patienceMicros = 5_000): void {
    const name = `${change.kind} ${change.id} at ${at}`;
    this.#changes.get(at)!.add(change, this.rafts.now + patienceMicros, (result) => this.said.set(name, result));
  }

  #note(from: NodeId, { to, message }: Outgoing): boolean {
    return this.letters.push({ from, to, message: message as ChangeRequest | ChangeReply }) > 0;
  }

  /** A turn of `id`: what it asks and answers is on its way then. */
  turn(id: NodeId): void {
    const changes = this.#changes.get(id)!;
    for (const reply of changes.dispatch(this.rafts.now, this.rafts.of(id), () => false)) this.#note(id, reply);
    changes.expire(this.rafts.now);
    this.rafts.flush(id);
  }

  /** Takes the newest letter of that kind from the mail: a test may deliver it often, or never. */
  take(kind: "change" | "change-reply"): (typeof this.letters)[number] {
    const at = this.letters.findLastIndex(({ message }) => message.kind === kind);
    if (at === -1) throw new Error(`no ${kind} is on its way`);
    return this.letters.splice(at, 1)[0]!;
  }

  deliver({ from, to, message }: (typeof this.letters)[number]): void {
    const changes = this.#changes.get(to)!;
    const { now } = this.rafts;
    if (message.kind === "change") changes.onRequest(from, message, this.rafts.of(to), now, now + 5_000);
    else changes.onReply(message);
  }

  /** Time passes for all but `dead`, and `leader` does what can be done. */
  go(leader: NodeId, dead: readonly NodeId[] = [], steps = 8): void {
    const alive = [...this.rafts.rafts.keys()].filter((id) => !dead.includes(id));
    for (let k = 0; k < steps; k++) {
      this.turn(leader);
      this.rafts.settle(dead);
      this.rafts.pass(raftHeartbeatMicros, alive);
      this.rafts.settle(dead);
    }
  }

  votersAt(id: NodeId): readonly NodeId[] {
    return this.rafts.of(id).committedConfiguration.configuration.voters;
  }
}

function isAmongTheLiving({ from, to }: { readonly from: NodeId; readonly to: NodeId }): boolean {
  return from !== 1 && to !== 1;
}

function refusalOf({ term, incarnation, boot, seq }: ChangeRequest): ChangeReply {
  return { kind: "change-reply", term, incarnation, boot, seq, outcome: "no-majority-left" };
}

const nine = { kind: "add", id: 9, url: "http://nine", autoPromote: false } as const;
const removalOfFour = { kind: "remove", id: 4 } as const;

test("a change that was refused is not made by a copy of the request that comes later", (t) => {
  const world = new Operators([1, 2, 3, 4]);
  world.ask(1, nine);
  world.turn(1);
  world.ask(2, removalOfFour);
  world.turn(2);
  const request = world.take("change");
  world.deliver(request);
  world.turn(1);
  const refusal = world.take("change-reply");
  world.go(1);
  t.deepEqual(world.said.get("add 9 at 1"), { ok: true, value: null });
  for (let k = 0; k < 3; k++) {
    world.deliver(request);
    world.go(1, [], 2);
    t.like(world.take("change-reply").message, { outcome: "other-change" });
  }
  world.deliver(refusal);
  t.deepEqual(world.said.get("remove 4 at 2"), { ok: false, code: "other-change", definite: true });
  t.deepEqual(world.votersAt(1), [1, 2, 3, 4]);
});

test("a change that was made and undone since is not made again by a copy of its request", (t) => {
  const world = new Operators([1, 2, 3, 4]);
  world.ask(2, nine);
  world.turn(2);
  const request = world.take("change");
  world.deliver(request);
  world.go(1);
  world.deliver(world.take("change-reply"));
  t.deepEqual(world.said.get("add 9 at 2"), { ok: true, value: null });
  world.ask(1, { kind: "remove", id: 9 });
  world.go(1);
  t.deepEqual(world.said.get("remove 9 at 1"), { ok: true, value: null });
  world.deliver(request);
  world.go(1);
  t.false(world.rafts.of(1).configuration.members.some(({ id }) => id === 9));
});

test("a request counts for the leader to whom it was sent, in the term in which it was", (t) => {
  const world = new Operators([1, 2, 3, 4]);
  world.ask(3, removalOfFour);
  world.turn(3);
  const request = world.take("change");
  for (const [from, to] of [
    [1, 2],
    [2, 1],
  ] as const) {
    world.rafts.of(from).transfer(world.rafts.now, to);
    world.rafts.settle();
    world.rafts.pass(raftHeartbeatMicros);
    world.rafts.settle();
  }
  t.is(world.rafts.of(1).role, "leader");
  world.turn(1);
  world.deliver(request);
  world.go(1);
  t.deepEqual(world.votersAt(1), [1, 2, 3, 4]);
});

test("a new leader does not refuse what an earlier one has begun", (t) => {
  const world = new Operators([1, 2, 3, 4]);
  const { rafts } = world;
  world.ask(3, removalOfFour);
  world.turn(3);
  world.deliver(world.take("change"));
  world.turn(1);
  rafts.sync(1);
  while (rafts.deliver(({ message }) => message.kind === "append"));
  rafts.letters = [];
  t.true(rafts.of(2).configuration.outgoing.length > 0);
  world.ask(2, nine);
  for (const id of [2, 3, 4]) rafts.sync(id);
  rafts.letters = [];
  rafts.pass(2 * raftElectionMicros + 1, [2]);
  for (let k = 0; rafts.of(2).role !== "leader" && k < 100; k++) {
    rafts.sync(2);
    rafts.deliver(isAmongTheLiving);
    for (const id of [3, 4]) rafts.sync(id);
  }
  while (rafts.of(3).leader !== 2 && rafts.deliver(({ from, to }) => from === 2 && to === 3));
  rafts.letters = [];
  t.is(rafts.of(3).leader, 2);
  world.turn(2);
  world.turn(3);
  world.deliver(world.take("change"));
  world.go(2, [1]);
  t.deepEqual(world.votersAt(2), [1, 2, 3]);
  world.deliver(world.take("change-reply"));
  t.deepEqual(world.said.get("remove 4 at 3"), { ok: true, value: null });
  t.deepEqual(world.said.get("add 9 at 2"), { ok: true, value: null });
});

test("a refusal is definite only where one leader alone was asked, and counts only where it is the last one's", (t) => {
  const world = new Operators([1, 2, 3, 4]);
  const { rafts } = world;
  world.ask(3, removalOfFour);
  world.turn(3);
  const first = world.take("change").message as ChangeRequest;
  rafts.of(1).transfer(rafts.now, 2);
  rafts.settle();
  rafts.pass(raftHeartbeatMicros);
  rafts.settle();
  world.turn(3);
  const second = world.take("change").message as ChangeRequest;
  t.true(second.term > first.term);
  world.deliver({ from: 1, to: 3, message: refusalOf(first) });
  t.is(world.said.size, 0);
  world.deliver({ from: 2, to: 3, message: refusalOf(second) });
  t.deepEqual(world.said.get("remove 4 at 3"), { ok: false, code: "no-majority-left", definite: false });
});

test("two operators with one goal at the leader: neither is told that nothing will happen while it happens", (t) => {
  const world = new Operators([1, 2, 3, 4]);
  world.ask(1, removalOfFour, 300);
  world.turn(1);
  world.ask(1, { ...removalOfFour }, 300);
  for (let k = 0; k < 4; k++) {
    world.turn(1);
    world.rafts.pass(raftHeartbeatMicros, [1]);
  }
  world.turn(1);
  t.deepEqual(world.said.get("remove 4 at 1"), { ok: false, code: "timeout", definite: false });
  world.go(1);
  t.deepEqual(world.votersAt(1), [1, 2, 3]);
});

test("a leader that may have been deposed answers nothing by what it remembers", (t) => {
  const world = new Operators([1, 2, 3]);
  world.ask(1, nine);
  world.go(1);
  world.said.clear();
  world.unconfirmed = [];
  world.ask(1, nine);
  world.ask(1, { ...nine, id: 2 });
  world.go(1);
  t.is(world.said.size, 0);
  for (const done of world.unconfirmed) done(true);
  world.turn(1);
  t.deepEqual(
    [...world.said.values()],
    [
      { ok: true, value: null },
      { ok: false, code: "member-exists", definite: true },
    ],
  );
});

test("two moves of one member, while nothing can be confirmed: each URL is written down once at most", (t) => {
  const world = new Operators([1, 2, 3]);
  world.unconfirmed = [];
  world.ask(1, { kind: "move", id: 3, url: "http://here" });
  world.ask(1, { kind: "move", id: 3, url: "http://there" });
  const before = world.rafts.of(1).log.lastIndex;
  world.go(1);
  t.true(world.rafts.of(1).log.lastIndex - before <= 2);
});

test("a leadership is said to have moved by the one that has it now, and not by one that remembers", (t) => {
  const world = new Operators([1, 2, 3]);
  world.ask(3, { kind: "transfer-leader", id: 1 });
  world.turn(3);
  t.is(world.said.size, 0);
  world.deliver(world.take("change"));
  world.turn(1);
  world.deliver(world.take("change-reply"));
  t.deepEqual([...world.said.values()], [{ ok: true, value: null }]);
});

test("an announcement that another change is in the way of is made again after a pause, not at once", (t) => {
  const { rafts } = new Operators([1, 2, 3]);
  const pause = 2 * raftHeartbeatMicros;
  const changes = new PendingChanges(contextOf(1, { options: raftTimes }), "http://new", leadsStill, () => false);
  const dispatch = (): unknown => changes.dispatch(rafts.now, rafts.of(1), () => false);
  changes.add({ kind: "transfer-leader", id: 2 }, rafts.now + 10_000, () => undefined);
  let asked = 0;
  const original = changes.onReply.bind(changes);
  changes.onReply = (reply) => {
    asked += 1;
    original(reply);
  };
  for (let k = 0; k < 10; k++) {
    dispatch();
    rafts.now += pause / 10;
  }
  t.true(asked <= 2, `${asked} times in ${pause} us`);
});

test("an answer to an earlier incarnation of a node, which counted its requests alike, is not taken for one to this", (t) => {
  const { rafts } = new Operators([1, 2, 3]);
  const raft = rafts.of(1);
  const context = contextOf(1, { identity: { incarnation: 7 }, options: raftTimes });
  const changes = new PendingChanges(context, null, leadsStill, () => false);
  const said: ChangeResult[] = [];
  changes.add(nine, rafts.now + 100, (result) => said.push(result));
  changes.onReply({ kind: "change-reply", term: raft.term, incarnation: 0, boot: 1, seq: 1, outcome: "done" });
  t.deepEqual(said, []);
  changes.onReply({ kind: "change-reply", term: raft.term, incarnation: 7, boot: 1, seq: 1, outcome: "done" });
  t.deepEqual(said, [{ ok: true, value: null }]);
});

const mostlyTwo = fc.oneof({ weight: 9, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: fc.nat(2) });
const requests = fc.array(
  fc.record({ incarnation: mostlyTwo, boot: mostlyTwo, seq: fc.integer({ min: 1, max: 1_600 }) }),
  { minLength: 4_000, maxLength: 4_000, size: "max" },
);

testProp(
  "what was decided is never judged again, also where its answer is forgotten",
  [requests],
  (t, asked) => {
    const decided = new DecidedChanges(limitTable.changeOutcomesMax.usual);
    const names = new Set<string>();
    for (const one of asked) {
      const key = { node: 1, ...one };
      const name = JSON.stringify(key);
      const known = decided.outcomeOf(key);
      t.false(names.has(name) && known === null);
      if (known === null) decided.add(key, "done");
      names.add(name);
    }
  },
  { numRuns: 10, endOnFailure: true },
);
