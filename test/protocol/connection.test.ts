/** Both ends of a peer stream, without a socket: what each of them takes, and from whom. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { Writer } from "../../core/bytes.ts";
import { checkCompatible, type Closing, Inbound, Outbound, type Verdict } from "../../core/protocol/connection.ts";
import {
  encodeHandshake,
  type Handshake,
  handshakeBytesMax,
  protocolVersion,
  writeFrame,
} from "../../core/protocol/frame.ts";
import { encodeEnvelope } from "../../core/protocol/message-codec.ts";
import { answerKinds, type Envelope, guestKinds, type Message } from "../../core/protocol/message.ts";
import { type Checked, passed, refused } from "../../core/result.ts";

const cluster = "c".repeat(32);
const storeId = "a".repeat(32);

function handshakeOf(node: number, to: number, changes: Partial<Handshake> = {}): Handshake {
  const [versionMin, versionMax] = [protocolVersion, protocolVersion];
  const url = `http://127.0.0.1:${2000 + node}`;
  const known = { cluster, node, incarnation: 0, boot: 1, nonce: 7, storeId, takesPart: true, to, url };
  return { versionMin, versionMax, ...known, ...changes };
}

const ours = handshakeOf(1, 2);
const theirs = handshakeOf(2, 1);

function envelopeOf(message: Message, changes: Partial<Envelope> = {}): Envelope {
  return { cluster, from: 1, fromIncarnation: 0, fromBoot: 1, to: 2, toIncarnation: 0, message, ...changes };
}

const samples: readonly Message[] = [
  { kind: "timeout-now", term: 3 },
  { kind: "vote", term: 9, lastIndex: 1, lastTerm: 1, transfer: false },
  { kind: "read", incarnation: 0, boot: 1, id: 4 },
  { kind: "snapshot-wanted", index: 4 },
  { kind: "bootstrap-hello", storeId, urls: ["http://a:1"], round: 1 },
  {
    kind: "bootstrap-reply",
    storeId,
    urls: ["http://a:1"],
    asker: storeId,
    boot: 1,
    round: 1,
    seen: [storeId],
    genesis: [storeId],
  },
  { kind: "join-request", storeId, incarnation: 0, lost: storeId },
  { kind: "join-accepted", storeId, term: 1, incarnation: 3, genesis: [storeId], founders: ["http://a:1"] },
  { kind: "rebind-pending", storeId, standing: "no-leader" },
  { kind: "removed", storeId, incarnation: 0, reason: "removed" },
  { kind: "directory-check", storeId, incarnation: 9 },
  { kind: "directory-confirmed", storeId, incarnation: 9 },
  { kind: "bind-request", node: 4, incarnation: 3, url: "http://node-4", storeId },
  { kind: "learned-address", node: 4, url: "http://a:1" },
];

function dialled(heard: Envelope[] = [], mine = ours): Outbound {
  return new Outbound(
    mine,
    { checkListener: () => passed, isBound: () => true, receive: (envelope) => heard.push(envelope) },
    1 << 20,
  );
}

function listening(verdict: Verdict, heard: Envelope[] = [], answers: readonly Envelope[] = []): Inbound {
  return new Inbound({
    checkHandshake: () => verdict,
    receive: (envelope, answer) => {
      heard.push(envelope);
      for (const one of answers) answer(one);
    },
  });
}

function framed(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writeFrame(writer, () => write(writer));
  return writer.bytes().slice();
}

/** Why the dialler's end is closed, in words; empty where it is not, or by a verdict on its node. */
function reasonOf(closing: Closing | null): string {
  return closing?.kind === "other" ? closing.reason : "";
}

/** Why the listener's end refuses what it was sent, in words; empty where it takes it. */
function refusalIn(checked: Checked): string {
  return checked.ok ? "" : checked.reason;
}

/** A stranger's end: its handshake is accepted with `verdict`, then it says `message`. Why it is closed, or nothing. */
function saidBy(hello: Handshake, verdict: Verdict, envelope: Envelope, heard: Envelope[]): string {
  const inbound = listening(verdict, heard);
  const greeted = inbound.receive(framed((writer) => encodeHandshake(writer, hello)));
  return refusalIn(greeted.ok ? inbound.receive(framed((writer) => encodeEnvelope(writer, envelope))) : greeted);
}

testProp(
  "a stream in any pieces gives the same messages in the same order",
  [
    fc.array(fc.constantFrom(...samples.filter(({ kind }) => !answerKinds.has(kind))), { maxLength: 6 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
  ],
  (t, values, cuts) => {
    const outbound = dialled();
    const seen: Envelope[] = [];
    const inbound = listening({ kind: "member", ours: theirs }, seen);
    const feed = (bytes: Uint8Array): void => {
      for (let at = 0, k = 0; at < bytes.length; k++) {
        const length = cuts[k % cuts.length]!;
        t.true(inbound.receive(bytes.slice(at, at + length)).ok);
        at += length;
      }
    };
    feed(outbound.take()!);
    t.is(outbound.receive(inbound.takeReply()!), null);
    for (const value of values) outbound.send(envelopeOf(value));
    feed(outbound.take() ?? new Uint8Array(0));
    t.deepEqual(
      seen,
      values.map((value) => envelopeOf(value)),
    );
  },
);

testProp(
  "garbage costs a stranger the connection, and us nothing",
  [fc.uint8Array({ minLength: 1, maxLength: 2000 })],
  (t, bytes) => {
    const inbound = new Inbound({ checkHandshake: () => t.fail(), receive: () => t.fail() });
    inbound.receive(bytes);
    t.is(inbound.peer, null);
  },
);

test("a slow peer loses messages, never our memory", (t) => {
  const outbound = new Outbound(
    ours,
    { checkListener: () => passed, isBound: () => true, receive: () => t.fail() },
    1_000,
  );
  const inbound = listening({ kind: "member", ours: theirs });
  inbound.receive(outbound.take()!);
  outbound.receive(inbound.takeReply()!);
  for (let k = 0; k < 1_000; k++) outbound.send(envelopeOf({ kind: "read", incarnation: 0, boot: 1, id: 1 }));
  t.true(outbound.take()!.length < 1_200);
  t.true(outbound.dropped > 900);
});

test("before its handshake is accepted a stranger has a frame of one KiB, whatever its header promises", (t) => {
  const inbound = listening({ kind: "member", ours: theirs });
  const header = new Writer();
  header.u32(handshakeBytesMax + 1);
  header.u32(0);
  t.regex(refusalIn(inbound.receive(header.bytes().slice())), /a frame of 1025 bytes, at most 1024 expected/);
});

for (const { kind } of samples) {
  test(`${kind} is taken from a guest, from a member and from a listener as its phase allows`, (t) => {
    const message = samples.find((one) => one.kind === kind)!;
    const guest = handshakeOf(1, 2, { cluster: "", takesPart: false });
    for (const [hello, verdict, maySay] of [
      [guest, { kind: "guest", ours: theirs }, guestKinds.has(kind)],
      [ours, { kind: "member", ours: theirs }, !answerKinds.has(kind)],
    ] as const) {
      const heard: Envelope[] = [];
      const trouble = saidBy(hello, verdict, envelopeOf(message, { cluster: hello.cluster }), heard);
      t.is(heard.length, maySay ? 1 : 0, verdict.kind);
      t.regex(trouble, maySay ? /^$/ : /may not say/, verdict.kind);
    }
    const answers: Envelope[] = [];
    const outbound = dialled(answers);
    outbound.take();
    const asked = listening({ kind: "member", ours: theirs }, [], [envelopeOf(message, { from: 2, to: 1 })]);
    asked.receive(framed((writer) => encodeHandshake(writer, ours)));
    asked.receive(
      framed((writer) => encodeEnvelope(writer, envelopeOf({ kind: "read", incarnation: 0, boot: 1, id: 1 }))),
    );
    const closing = outbound.receive(asked.takeReply()!);
    t.is(answers.length, answerKinds.has(kind) ? 1 : 0);
    t.regex(reasonOf(closing), answerKinds.has(kind) ? /^$/ : /out of turn/);
  });
}

test("a guest's end sends nothing but a guest's questions", (t) => {
  const outbound = dialled([], handshakeOf(1, 2, { cluster: "", takesPart: false }));
  const heard: Envelope[] = [];
  const inbound = listening({ kind: "guest", ours: theirs }, heard);
  inbound.receive(outbound.take()!);
  t.is(outbound.receive(inbound.takeReply()!), null);
  t.false(outbound.open);
  for (const message of samples) outbound.send(envelopeOf(message, { cluster: "" }));
  t.true(inbound.receive(outbound.take()!).ok);
  t.deepEqual(
    heard.map(({ message }) => message.kind),
    ["bootstrap-hello", "join-request", "directory-check"],
  );
});

test("nobody speaks for another node, cluster, incarnation or boot than its handshake's", (t) => {
  const message = samples[0]!;
  for (const changes of [
    { from: 3 },
    { cluster: "d".repeat(32) },
    { cluster: "" },
    { fromIncarnation: 5 },
    { fromBoot: 2 },
  ]) {
    const heard: Envelope[] = [];
    t.regex(saidBy(ours, { kind: "member", ours: theirs }, envelopeOf(message, changes), heard), /speaks for/);
    t.is(heard.length, 0);
  }
});

test("a dialler believes no verdict, and no acceptance, of a node that it has not dialled", (t) => {
  for (const other of [
    handshakeOf(3, 1),
    handshakeOf(2, 1, { cluster: "d".repeat(32) }),
    handshakeOf(2, 3),
    handshakeOf(2, 1, { cluster: "" }),
  ]) {
    for (const kind of ["member", "guest", "removed", "outdated-copy"] as const) {
      const outbound = dialled();
      const inbound = listening({ kind, ours: other });
      inbound.receive(outbound.take()!);
      const closing = outbound.receive(inbound.takeReply()!);
      t.regex(reasonOf(closing), /this is node 3|another cluster|not node 3|does not name its cluster/);
      t.false(outbound.answered);
    }
  }
});

test("what the listener's node has against the one that answers closes the stream before any verdict", (t) => {
  const dialler = { checkListener: () => refused("another directory"), isBound: () => true, receive: () => t.fail() };
  const outbound = new Outbound(ours, dialler, 1_000);
  const inbound = listening({ kind: "removed", ours: theirs });
  inbound.receive(outbound.take()!);
  t.is(reasonOf(outbound.receive(inbound.takeReply()!)), "another directory");
});

test("a refusal says why to both, and names no cluster to a stranger", (t) => {
  const compatible = checkCompatible(ours, handshakeOf(2, 1, { cluster: "d".repeat(32) }));
  t.is(refusalIn(compatible), "node 2 is of another cluster than node 1");
  const outbound = dialled();
  const inbound = listening({ kind: "refused", reason: "because" });
  t.is(refusalIn(inbound.receive(outbound.take()!)), "because");
  t.is(reasonOf(outbound.receive(inbound.takeReply()!)), "refused: because");
});

for (const kind of ["removed", "outdated-copy", "lost-entries"] as const) {
  test(`a dialler acts on "${kind}" as a verdict, and never on a refusal in the same words`, (t) => {
    for (const verdict of [
      { kind, ours: theirs },
      { kind: "refused", reason: kind },
    ] as const) {
      const outbound = dialled();
      const inbound = listening(verdict);
      inbound.receive(outbound.take()!);
      t.is(outbound.receive(inbound.takeReply()!)?.kind, verdict.kind === "refused" ? "other" : kind);
    }
  });
}

for (const kind of ["removed", "outdated-copy", "lost-entries"] as const) {
  test(`nobody but the directory that is known as the peer's ends a node by the verdict "${kind}"`, (t) => {
    const asked: Handshake[] = [];
    const isBound = (one: Handshake): boolean => {
      asked.push(one);
      return false;
    };
    const outbound = new Outbound(ours, { checkListener: () => passed, isBound, receive: () => t.fail() }, 1_000);
    const inbound = listening({ kind, ours: theirs });
    inbound.receive(outbound.take()!);
    t.regex(reasonOf(outbound.receive(inbound.takeReply()!)), new RegExp(`"${kind}", and is not believed`));
    t.deepEqual(asked, [theirs]);
  });
}

test("a removal that is told in an answer is held against the same directory, unless the node knows no cluster yet", (t) => {
  const message: Message = { kind: "removed", storeId: "", incarnation: 0, reason: "removed" };
  for (const [takesPart, name] of [
    [true, cluster],
    [false, cluster],
    [false, ""],
  ] as const) {
    const heard: Message["kind"][] = [];
    const dialler = {
      checkListener: () => passed,
      isBound: () => false,
      receive: (answer: Envelope) => void heard.push(answer.message.kind),
    };
    const outbound = new Outbound({ ...ours, takesPart, cluster: name }, dialler, 1_000);
    const inbound = listening({ kind: "guest", ours: theirs });
    inbound.receive(outbound.take()!);
    t.is(outbound.receive(inbound.takeReply()!), null);
    const told = framed((writer) => encodeEnvelope(writer, envelopeOf(message, { from: 2, to: 1 })));
    t.is(outbound.receive(told)?.kind, name === "" ? undefined : "other");
    t.deepEqual(heard, name === "" ? ["removed"] : []);
  }
});
