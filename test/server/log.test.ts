/** The operator's log under causes that come again and again. */
import test from "ava";
import { createLog, type LogFormat } from "../../server/log.ts";

function logAt(format: LogFormat = "text"): {
  say: (text: string) => void;
  lines: string[];
  pass: (ms: number) => void;
} {
  let nowMs = 0;
  const lines: string[] = [];
  const log = createLog("info", format, { write: (line) => lines.push(line), nowMs: () => nowMs });
  return { say: (text) => log("warn", text), lines, pass: (ms) => void (nowMs += ms) };
}

test("a text is written once a minute, and the next line of it counts those held back", (t) => {
  const { say, lines, pass } = logAt();
  for (let k = 0; k < 60; k++) {
    say("peer 2 refuses this node");
    pass(999);
  }
  t.is(lines.length, 1);
  pass(60);
  say("peer 2 refuses this node");
  t.is(lines.length, 2);
  t.regex(lines[1]!, / warn peer 2 refuses this node \(repeated 59 times\)\n$/);
});

test("another text is not held back, and a repetition that was written is no longer counted", (t) => {
  const { say, lines, pass } = logAt("json");
  say("a");
  say("b");
  say("a");
  pass(60_000);
  say("a");
  pass(60_000);
  say("a");
  const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
  t.deepEqual(messages, ["a", "b", "a (repeated once)", "a"]);
});

test("the log forgets the oldest of more than a thousand texts", (t) => {
  const { say, lines } = logAt();
  for (let k = 0; k <= 1_000; k++) say(`text ${k}`);
  say("text 1000");
  t.is(lines.length, 1_001);
  say("text 0");
  t.is(lines.length, 1_002);
});

test("what a peer says cannot begin a line of its own, nor command a terminal", (t) => {
  const { say, lines } = logAt();
  say("node 2 at http://b: refused: no\r\n2026-01-01 info node 1 leads\u001b[2J\u009b1m");
  t.is(lines.length, 1);
  t.regex(lines[0]!, /^[\x20-\x7e]+\n$/);
});
