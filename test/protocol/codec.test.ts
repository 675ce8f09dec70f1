import { fc, testProp } from "@fast-check/ava";
import { accelerate, BadBytes, crc32, latin1, latin1Bytes, portable, Reader, Writer } from "../../core/bytes.ts";
import type { Change } from "../../core/protocol/configuration.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { entryKinds } from "../../core/protocol/entry.ts";
import { decodeEnvelope, encodeEnvelope } from "../../core/protocol/message-codec.ts";
import type { Envelope, Message } from "../../core/protocol/message.ts";
import { useNativeBytes } from "../../server/native.ts";

const u53 = fc.maxSafeNat();
const payload = fc.uint8Array({ maxLength: 40 });
const origin = fc.record({ node: u53, incarnation: u53, boot: u53, seq: u53 });
const proposal = fc.record({ kind: fc.constant(entryKinds.command), origin, session: u53, sequence: u53, payload });
const id = fc.string({ unit: fc.constantFrom("1", "2", "7", "9", "a", "f"), minLength: 32, maxLength: 32 });
const append = fc
  .record({
    term: u53,
    prevIndex: fc.nat(),
    prevTerm: u53,
    commit: u53,
    round: u53,
    stream: u53,
    proposals: fc.array(proposal, { maxLength: 4 }),
  })
  .map(({ proposals, ...rest }): Message => {
    const entries = proposals.map((one, k) => makeEntry(rest.prevIndex + 1 + k, rest.term, k, one));
    return { kind: "append", ...rest, entries };
  });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    id: u53,
    url: fc.constant("http://a:1"),
    autoPromote: fc.constantFrom(true, false, null),
  }),
  fc.record({ kind: fc.constant("move" as const), id: u53, url: fc.constant("http://a:1") }),
  fc.record({ kind: fc.constantFrom("remove" as const, "promote" as const, "transfer-leader" as const), id: u53 }),
);
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant("pre-vote" as const), term: u53, attempt: u53, lastIndex: u53, lastTerm: u53 }),
  fc.record({
    kind: fc.constant("vote" as const),
    term: u53,
    lastIndex: u53,
    lastTerm: u53,
    transfer: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("timeout-now" as const), term: u53 }),
  fc.record({
    kind: fc.constant("snapshot-chunk" as const),
    term: u53,
    index: u53,
    lastTerm: u53,
    totalBytes: u53,
    crc: fc.nat(),
    offset: u53,
    bytes: payload,
  }),
  fc.record({ kind: fc.constant("snapshot-wanted" as const), index: u53 }),
  fc.record({ kind: fc.constant("snapshot-reply" as const), term: u53, index: u53, offset: u53 }),
  fc.record({ kind: fc.constant("join-request" as const), lost: id, storeId: id, incarnation: u53 }),
  fc.record({
    kind: fc.constantFrom("directory-check" as const, "directory-confirmed" as const),
    storeId: id,
    incarnation: u53,
  }),
  fc.record({ kind: fc.constant("bind-request" as const), node: u53, incarnation: u53, url: fc.string(), storeId: id }),
  fc.record({ kind: fc.constant("learned-address" as const), node: u53, url: fc.constant("http://a:1") }),
  fc.record({
    kind: fc.constant("join-accepted" as const),
    term: u53,
    storeId: id,
    incarnation: u53,
    genesis: fc.array(id, { maxLength: 3 }),
    founders: fc.array(fc.constant("http://a:1"), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("removed" as const),
    storeId: id,
    incarnation: u53,
    reason: fc.constantFrom("removed" as const, "another-directory" as const, "id-of-leader" as const),
  }),
  fc.record({ kind: fc.constant("change" as const), term: u53, incarnation: u53, boot: u53, seq: u53, change }),
  fc.record({
    kind: fc.constant("change-reply" as const),
    term: u53,
    incarnation: u53,
    boot: u53,
    seq: u53,
    outcome: fc.constantFrom("done" as const, "no-majority-left" as const, "not-caught-up" as const),
  }),
  fc.record({
    kind: fc.constant("pre-vote-reply" as const),
    term: u53,
    attempt: u53,
    granted: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("vote-reply" as const), term: u53, granted: fc.boolean() }),
  append,
  fc.record({
    kind: fc.constant("append-reply" as const),
    term: u53,
    round: u53,
    stream: u53,
    success: fc.boolean(),
    matchIndex: u53,
    prevIndex: u53,
    hintIndex: u53,
    hintTerm: u53,
  }),
  fc.record({ kind: fc.constant("forward" as const), term: u53, proposals: fc.array(proposal, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant("forward-refused" as const),
    term: u53,
    incarnation: u53,
    boot: u53,
    firstSeq: u53,
    count: u53,
  }),
  fc.record({ kind: fc.constant("read" as const), incarnation: u53, boot: u53, id: u53 }),
  fc.record({ kind: fc.constant("read-reply" as const), incarnation: u53, boot: u53, id: u53, index: u53 }),
  fc.record({
    kind: fc.constant("bootstrap-hello" as const),
    storeId: id,
    urls: fc.array(fc.constant("http://a:1"), { maxLength: 3 }),
    round: u53,
  }),
  fc.record({
    kind: fc.constant("bootstrap-reply" as const),
    storeId: id,
    urls: fc.array(fc.constant("http://a:1"), { maxLength: 3 }),
    asker: id,
    boot: u53,
    round: u53,
    seen: fc.array(id, { maxLength: 3 }),
    genesis: fc.array(id, { maxLength: 3 }),
  }),
);
const envelope: fc.Arbitrary<Envelope> = fc.record({
  cluster: fc.oneof(id, fc.constant("")),
  from: fc.constant(1),
  fromIncarnation: u53,
  fromBoot: u53,
  to: u53,
  toIncarnation: u53,
  message,
});

function encoded(value: Envelope): Uint8Array {
  const writer = new Writer();
  encodeEnvelope(writer, value);
  return writer.bytes().slice();
}

testProp("what is encoded decodes to itself", [envelope], (t, value) => {
  t.deepEqual(decodeEnvelope(new Reader(encoded(value))), value);
});

testProp(
  "damaged or cut bytes are bad bytes or another message, never anything else",
  [envelope, fc.nat(), fc.nat(255)],
  (t, value, at, byte) => {
    const bytes = encoded(value);
    bytes[at % bytes.length] = byte;
    for (const damaged of [bytes, bytes.slice(0, at % bytes.length)]) {
      try {
        decodeEnvelope(new Reader(damaged));
      } catch (error) {
        t.true(error instanceof BadBytes, String(error));
      }
    }
    t.pass();
  },
);

testProp(
  "the machine's forms of the hot loops equal the portable ones",
  [fc.uint8Array({ maxLength: 3000 }), fc.nat()],
  (t, bytes, seed) => {
    accelerate(portable);
    const slow = [crc32(bytes, seed), latin1(bytes), latin1Bytes(latin1(bytes))] as const;
    useNativeBytes();
    const fast = [crc32(bytes, seed), latin1(bytes), latin1Bytes(latin1(bytes))] as const;
    accelerate(portable);
    t.deepEqual(fast, slow);
    t.deepEqual(slow[2], bytes);
  },
);
