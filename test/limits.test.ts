/**
 * Each number in core that cuts work into pieces, or bounds what waits, is in the table of limits, so that the simulator can
 * draw it. A number that is no limit is named here, with what it is.
 */
import test from "ava";
import { limitNames, limitTable, nodeLimits, pageLimits } from "../core/limits.ts";
import { sessionLimits } from "../core/kv/sessions.ts";
import { type Source, sources } from "./support/sources.ts";
import { numbersOf } from "./support/syntax.ts";

/** Numbers that are no limits of a node, and why. */
const others: Readonly<Record<string, string>> = {
  "core/bytes.ts 1024": "what a writer begins with; it grows",
  "core/bytes.ts 4096": "how many characters a string is made of at once; a longer one is made of several",
  "core/kv/command.ts headerBytes": "of the format of a command",
  "core/kv/command.ts keyBytesMax": "of the API: what it takes is the same on every member",
  "core/kv/snapshot.ts blockBytesMax": "of the format of a snapshot: it must hold the largest row",
  "core/kv/snapshot.ts blockHeaderBytes": "of the format of a snapshot",
  "core/kv/snapshot.ts snapshotFormat": "a version",
  "core/protocol/configuration-codec.ts urlBytesMax": "of the protocol: both ends must know it",
  "core/protocol/connection.ts answerBytesMax": "of answers within one turn of the host, which takes them at its end",
  "core/protocol/connection.ts refusalBytesMax": "of the protocol: both ends must know it",
  "core/protocol/connection.ts smallFrameBytesMax": "of the protocol: both ends must know it",
  "core/protocol/entry-codec.ts entryHeaderBytes": "of the format of an entry",
  "core/protocol/entry-codec.ts payloadVersion": "a version",
  "core/protocol/frame.ts frameBytesMax": "of the protocol: both ends must know it",
  "core/protocol/frame.ts frameHeaderBytes": "of the protocol",
  "core/protocol/frame.ts handshakeBytesMax": "of the protocol: both ends must know it",
  "core/protocol/frame.ts protocolVersion": "a version",
  "core/protocol/frame.ts urlBytesMax": "of the protocol: both ends must know it",
  "core/protocol/message-codec.ts foundersMax": "of the protocol: both ends must know it",
  "core/raft/election-timer.ts attemptsApart": "numbers draws; beyond it two share one",
  "core/raft/election-timer.ts termsApart": "numbers draws; beyond it two share one",
  "core/raft/lease.ts clockRateBound": "what is assumed of clocks",
  "core/node/cluster-entry.ts tellAfterMicros": "how often a line is said",
  "core/node/cluster-entry.ts tellEveryMicros": "how often a line is said",
  "core/node/directory-binding.ts redialMicros": "of a dial: the network's, whose times it bounds",
  "core/node/directory-binding.ts tellAfterMicros": "how often a line is said",
  "core/node/directory-binding.ts tellEveryMicros": "how often a line is said",
  "core/node/lost-peers.ts silenceMicros": "who asks each heartbeat is gone by then",
  "core/node/lost-peers.ts tellMicros": "how often a line is said",
  "core/node/peer-starts.ts answerMicros": "of a dial: the network's, whose times it bounds",
  "core/node/peer-starts.ts redialMicros": "of a dial: the network's, whose times it bounds",
  "core/node/peer-starts.ts tellMicros": "how often a line is said",
  "core/raft/roles.ts attemptsApart": "numbers attempts apart",
  "core/raft/roles.ts bootsApart": "numbers attempts apart",
  "core/storage/identity.ts formatVersion": "a version",
  "core/storage/memory-state.ts shards": "a power of two, by which keys are spread",
  "core/storage/ordered-format.ts formatVersion": "a version",
  "core/storage/wal-record.ts batchHeaderBytes": "of the format of the log",
};

/** From here on a number within a function needs a name. */
const inlineMin = 1_000;

function numbersIn(source: Source): string[] {
  return numbersOf(source, inlineMin).map(({ name, value }) => `${source.path} ${name ?? value}`);
}

const all = sources("core").filter(({ path }) => path !== "core/limits.ts");

test("a number in core is a limit of the table, or named with what it is", (t) => {
  t.deepEqual([...new Set(all.flatMap(numbersIn))].toSorted(), Object.keys(others).toSorted());
});

for (const [what, text, found] of [
  ["a constant", "const rowsMax = 64;", ["rowsMax"]],
  ["an exported constant with a type", "export const waitMicros: Micros = 1_000;", ["waitMicros"]],
  ["a product", "const bytesMax = 64 * 1024;", ["bytesMax"]],
  ["a field", "class A { readonly #rowsMax = 8; #count = 0; }", ["#rowsMax"]],
  ["a static field", "class A { static readonly pages = 3; }", ["pages"]],
  ["a number within a function", "function f(n: number) { return n > 4 * 1024; }", ["4096"]],
  ["small numbers within a function, and bit masks", "function f(n: number) { return (n & 0xffff) > 16; }", []],
  ["what is computed from a limit", "const a = limits.rowsMax * 2;", []],
] as const) {
  test(`a planted number is judged: ${what}`, (t) => {
    const names = numbersIn({ path: "core/bad.ts", text }).map((line) => line.split(" ")[1]);
    t.deepEqual(names, [...found]);
  });
}

test("each default lies in its range, and belongs to one who is given it", (t) => {
  for (const name of limitNames) {
    const { usual, least, most } = limitTable[name];
    t.true(Number.isSafeInteger(usual) && least <= usual && usual <= most, name);
  }
  const given = [nodeLimits, pageLimits, sessionLimits].flatMap((limits) => Object.keys(limits));
  t.deepEqual(given.toSorted(), limitNames.toSorted());
});
