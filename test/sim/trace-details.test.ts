/** What a line of the trace says beyond its numbers; and that its hash does not know of it. */
import test from "ava";
import { encodeCommand } from "../../core/kv/command.ts";
import { entryKinds } from "../../core/protocol/entry.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import type { Message } from "../../core/protocol/message.ts";
import { simulateSeed } from "../../sim/run.ts";
import { wordsOfDetail, wordsOfMessage } from "../../sim/trace/details.ts";
import { Trace } from "../../sim/trace/trace.ts";

const origin = { node: 1, incarnation: 0, boot: 1, seq: 7 };
const put = encodeCommand({ op: "put", key: "k", value: "c3.17.xxxxxxxxxxxxxxxx", condition: { kind: "none" } });
const command = { kind: entryKinds.command, origin, session: 0, sequence: 0, payload: put };
const append = { kind: "append", term: 3, prevIndex: 4, prevTerm: 2, commit: 4, round: 1, stream: 1 } as const;

const worded: readonly (readonly [Message, string])[] = [
  [{ ...append, entries: [] }, "prev (4, term 2), commit 4, no entries"],
  [{ ...append, entries: [makeEntry(5, 3, 0, command)] }, "prev (4, term 2), commit 4, 5 put k = c3.17.xxxxxxx..."],
  [
    { ...append, entries: [5, 6, 7, 8].map((index) => makeEntry(index, 2, 0, { ...command, kind: entryKinds.noop })) },
    "prev (4, term 2), commit 4, 5 no-op of term 2, 6 no-op of term 2, 7 no-op of term 2, and 1 more",
  ],
  [{ kind: "vote", term: 3, lastIndex: 9, lastTerm: 2, transfer: false }, "its log ends at (9, term 2)"],
  [{ kind: "vote-reply", term: 3, granted: false }, "refused"],
  [{ kind: "forward", term: 3, proposals: [command] }, "#7 put k = c3.17.xxxxxxx..."],
  [{ kind: "change", term: 3, incarnation: 0, boot: 1, seq: 1, change: { kind: "promote", id: 4 } }, "promote n4"],
  [{ kind: "timeout-now", term: 3 }, ""],
];

test("messages tell what they hold", (t) => {
  for (const [message, words] of worded) t.is(wordsOfMessage(message), words);
});

test("calls and returns tell keys and values, quoted where they are no plain words", (t) => {
  const call = { kind: "call", op: "put", key: "k", value: "v", expected: null } as const;
  t.is(wordsOfDetail(call), "put k = v");
  t.is(wordsOfDetail({ ...call, op: "cas", key: "k\u0000" }), String.raw`cas "k\u0000" from nothing to v`);
  t.is(wordsOfDetail({ kind: "answer", op: "get", outcome: "ok", value: null, revision: 4 }), "nothing at revision 4");
  t.is(wordsOfDetail({ kind: "answer", op: "get", outcome: "unknown", value: null, revision: 0 }), "");
});

test("a detail is told and not hashed; only so many of the last lines are kept", (t) => {
  const printed: string[] = [];
  const told = new Trace((line) => printed.push(line), null);
  const bare = new Trace(null, null);
  for (let k = 1; k <= 100; k++) {
    told.line(k, "send", 1, 2, 3, 5, { ...append, entries: [] });
    bare.line(k, "send", 1, 2, 3, 5);
  }
  t.is(told.hash, bare.hash);
  t.is(printed.at(-1), "   0.000100 s  n1 sends append to n2 term 3: prev (4, term 2), commit 4, no entries");
  t.deepEqual(told.last(60), printed.slice(-60));
});

test("a run that prints has the hash of one that does not; times are in words, and no code is left", (t) => {
  const lines: string[] = [];
  const printed = simulateSeed(3, { print: (line) => lines.push(line), invariants: true });
  t.is(printed.traceHash, simulateSeed(3, { print: null, invariants: true }).traceHash);
  t.true(lines.some((line) => /calls operation \d+ on n\d: (put|get|delete|cas|open-session)/.test(line)));
  for (const line of lines) t.notRegex(line, /\{[a-z]\}|\b\d{4,} us\b|undefined/);
});
