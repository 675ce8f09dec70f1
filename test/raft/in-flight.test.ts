/** What may be on its way to one peer. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { entryKinds, type Proposal } from "../../core/protocol/entry.ts";
import { InFlight } from "../../core/raft/in-flight.ts";
import { command, configurationOf, heartbeatMicros, Rafts } from "../support/rafts.ts";

const none = { entriesInFlightMax: Infinity, bytesInFlightMax: Infinity, messagesInFlightMax: Infinity };

function proposal(payloadBytes: number): Proposal {
  return { ...command(1), kind: entryKinds.command, payload: new Uint8Array(payloadBytes) };
}

test("a leader sends a silent peer no more than the limit of bytes, and goes on when it answers", (t) => {
  const bytesInFlightMax = 5_000;
  const rafts = new Rafts(configurationOf([1, 2, 3]), {}, { bytesInFlightMax, entriesPerAppendMax: 1 });
  rafts.elect(1);
  for (let k = 0; k < 20; k++) {
    rafts.of(1).propose(rafts.now, [proposal(1_000)]);
    rafts.flush(1);
  }
  const carried = (): number =>
    rafts.letters.filter(({ to, message }) => to === 2 && message.kind === "append" && message.entries.length > 0)
      .length;
  t.is(carried(), 5, "the one that crosses the limit is the last");
  rafts.settle();
  rafts.pass(heartbeatMicros);
  rafts.settle();
  t.is(rafts.of(2).log.lastIndex, rafts.of(1).log.lastIndex);
});

test("an append larger than the limit still goes, alone", (t) => {
  const rafts = new Rafts(configurationOf([1, 2, 3]), {}, { bytesInFlightMax: 100 });
  rafts.elect(1);
  rafts.of(1).propose(rafts.now, [proposal(1_000)]);
  rafts.settle();
  t.is(rafts.of(2).log.lastIndex, 2);
});

const steps = fc.array(
  fc.oneof(
    fc.record({ send: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ acknowledge: fc.integer({ min: 0, max: 60 }) }),
    fc.constant("clear" as const),
  ),
  { maxLength: 40 },
);

testProp("the window counts what a list of everything sent and not covered counts", [steps], (t, script) => {
  const window = new InFlight();
  let dumb: { lastIndex: number; entries: number; bytes: number }[] = [];
  let last = 0;
  t.false(window.isFull(none));
  for (const step of script) {
    if (step === "clear") {
      window.clear();
      dumb = [];
    } else if ("send" in step) {
      const entries = Array.from({ length: step.send }, (_, k) => makeEntry(last + k + 1, 1, 0, proposal(step.bytes)));
      last += step.send;
      window.send(entries);
      dumb.push({ lastIndex: last, entries: step.send, bytes: entries[0]!.bytes.length * step.send });
    } else {
      window.acknowledge(step.acknowledge);
      dumb = dumb.filter(({ lastIndex }) => lastIndex > step.acknowledge);
    }
    const sum = (field: "entries" | "bytes"): number => dumb.reduce((total, sent) => total + sent[field], 0);
    for (const [limit, count] of [
      ["entriesInFlightMax", sum("entries")],
      ["bytesInFlightMax", sum("bytes")],
      ["messagesInFlightMax", dumb.length],
    ] as const) {
      t.true(window.isFull({ ...none, [limit]: count }));
      t.false(window.isFull({ ...none, [limit]: count + 1 }));
    }
  }
});
