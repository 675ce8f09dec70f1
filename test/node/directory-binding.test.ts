/** Where the directory of an added member is looked for, and what binds it. */
import test from "ava";
import { DirectoryBinding } from "../../core/node/directory-binding.ts";
import type { Peers } from "../../core/node/peers.ts";
import type { Configuration, Member } from "../../core/protocol/configuration.ts";
import type { Message, Outgoing } from "../../core/protocol/message.ts";
import type { Raft } from "../../core/raft/raft.ts";

const [before, added] = ["http://before:4", "http://added:4"];
const member: Member = { id: 4, incarnation: 9, url: added, storeId: "", autoPromote: true };
const storeId = "a".repeat(32);

/** A member whose configuration has `member`; it keeps what the binding does. */
class Watched {
  redials = 0;
  readonly sent: Outgoing[] = [];
  readonly notes: string[] = [];
  readonly bound: (string | undefined)[] = [];
  readonly binding: DirectoryBinding;

  constructor(role: "leader" | "follower") {
    const configuration: Configuration = { members: [member], voters: [1], outgoing: [], learners: [4], removed: [] };
    const proposeConfiguration = (_now: number, { members }: Configuration): void => {
      this.bound.push(members.find(({ id }) => id === 4)?.storeId);
    };
    const context = {
      peers: { redial: () => void this.redials++ } as unknown as Peers,
      schedule: () => undefined,
      send: (outgoing: Outgoing) => this.sent.push(outgoing) > 0,
      trace: { fact: () => undefined, note: (_level: string, text: string) => void this.notes.push(text) },
      options: {},
      identity: {},
    };
    this.binding = new DirectoryBinding(context, {
      configuration,
      leader: 1,
      role,
      proposeConfiguration,
    } as unknown as Raft);
  }
}

function confirmed(incarnation: number): Extract<Message, { kind: "directory-confirmed" }> {
  return { kind: "directory-confirmed", storeId, incarnation };
}

test("a stream that stands where the member was before is given up for its new address, every two seconds at most", (t) => {
  const node = new Watched("leader");
  t.false(node.binding.isPlaceOf(0, 4, before));
  t.is(node.redials, 0, "nobody asks to be bound");
  node.binding.check(0, 4, storeId);
  t.is(node.redials, 0, "it was asked where the stream stands");
  for (const now of [1_000, 1_999_000, 2_001_000]) t.false(node.binding.isPlaceOf(now, 4, before));
  t.is(node.redials, 2);
  t.true(node.binding.isPlaceOf(9_000_000, 4, added));
  t.is(node.redials, 2);
});

test("a leader binds the directory that has answered; an answer about an earlier incarnation is late, and binds nothing", (t) => {
  const node = new Watched("leader");
  node.binding.onConfirmed(0, 4, confirmed(8));
  t.deepEqual(node.bound, []);
  node.binding.onConfirmed(0, 4, confirmed(9));
  t.deepEqual(node.bound, [storeId]);
});

test("a follower tells its leader what has answered, and where", (t) => {
  const node = new Watched("follower");
  node.binding.onConfirmed(0, 4, confirmed(9));
  const message = { kind: "bind-request", node: 4, incarnation: 9, url: added, storeId };
  t.deepEqual(node.sent, [{ to: 1, message }] as Outgoing[]);
  t.deepEqual(node.bound, []);
});

test("a bind request of before the operator gave the member another URL binds nothing", (t) => {
  const node = new Watched("leader");
  const request = { kind: "bind-request", node: 4, incarnation: 9, storeId } as const;
  node.binding.bind(0, { ...request, url: before });
  t.deepEqual(node.bound, []);
  node.binding.bind(0, { ...request, url: added });
  t.deepEqual(node.bound, [storeId]);
});

test("the operator is told that a directory does not answer after five seconds, once a minute, and not where it does", (t) => {
  const silent = new Watched("leader");
  for (let now = 0; now <= 70_000_000; now += 100_000) silent.binding.check(now, 4, storeId);
  t.is(silent.notes.length, 2);
  t.regex(silent.notes[0]!, /does not answer at http:\/\/added:4: POST its peer URL to \/v1\/members\/4/);
  const answering = new Watched("follower");
  for (let now = 0; now <= 70_000_000; now += 100_000) {
    answering.binding.check(now, 4, storeId);
    answering.binding.onConfirmed(now, 4, confirmed(9));
  }
  t.deepEqual(answering.notes, []);
});
