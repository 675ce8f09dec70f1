/** What a page says led to a broken law. */
import test from "ava";
import { encodeConfiguration } from "../../core/protocol/configuration-codec.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { entryKinds } from "../../core/protocol/entry.ts";
import { configurationsOf } from "../../sim/report/causes/membership.ts";
import type { RunFacts } from "../../sim/report/causes/run-facts.ts";

test("configurations are told apart also where a run begins with the highest indexes and terms", (t) => {
  const first = Number.MAX_SAFE_INTEGER - 9;
  const member = { id: 1, incarnation: 0, url: "http://node-1", storeId: "a".repeat(32), autoPromote: true };
  const payload = encodeConfiguration({ members: [member], voters: [1], outgoing: [], learners: [], removed: [] });
  const origin = { node: 1, incarnation: 0, boot: 1, seq: 1 };
  const proposal = { kind: entryKinds.configuration, origin, session: 0, sequence: 0, payload };
  const entries = [0, 1, 2].map((k) => makeEntry(first + k, 2 ** 31 + k, 0, proposal));
  const facts = {
    recorder: { notes: [{ at: 0, node: 1, log: { entries: [...entries, ...entries] } }] },
    lines: [],
    end: 1,
    commitOf: () => -1,
  } as unknown as RunFacts;
  const told = configurationsOf(facts).filter(({ text }) => text.startsWith("n1 appends entry"));
  t.deepEqual(
    told.map(({ text }) => Number(/entry (\d+)/.exec(text)![1])),
    entries.map(({ index }) => index),
  );
});
