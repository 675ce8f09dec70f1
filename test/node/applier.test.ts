/** An entry that a node cannot apply ends the node, and nothing of its batch is seen. */
import test from "ava";
import { Applier } from "../../core/node/applier.ts";
import type { Ending } from "../../core/node/options.ts";
import { always, encodeCommand } from "../../core/kv/command.ts";
import { sessionLimits } from "../../core/kv/sessions.ts";
import type { DiskError } from "../../core/ports.ts";
import { type Entry, entryKinds } from "../../core/protocol/entry.ts";
import { MemoryState } from "../../core/storage/memory-state.ts";
import type { StateStore } from "../../core/storage/state-store.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { contextOf } from "../support/node-context.ts";

const origin = { node: 1, incarnation: 0, boot: 1, seq: 1 };
const payload = encodeCommand({ op: "put", key: "k", value: "v", condition: always });
const put = { kind: entryKinds.command, origin, session: 0, sequence: 0, payload };

function storeOf(): StateStore {
  return new MemoryState(sessionLimits);
}

/** What becomes of `entries` when all are committed. */
function applied(
  entries: readonly Entry[],
  store: StateStore,
): { readonly endings: string[]; readonly applied: number[] } {
  const seen = { endings: [] as string[], applied: [] as number[] };
  const fail = ({ code, reason }: Ending): void => void seen.endings.push(`${code}: ${reason}`);
  const log = { entryAt: (index: number) => entries[index - 1]! };
  const applier = new Applier(contextOf(1, { store, fail }), log, ({ index }) => void seen.applied.push(index));
  // The second call does nothing more: a failure is final.
  for (let k = 0; k < 2; k++) applier.advance(entries.length);
  return seen;
}

test("an entry of a kind that this program does not know ends the node before anything of its batch is applied", (t) => {
  const store = storeOf();
  const strange = { ...makeEntry(2, 1, 0, put), kind: 99 as Entry["kind"] };
  const { endings, applied: indexes } = applied([makeEntry(1, 1, 0, put), strange], store);
  t.regex(endings[0]!, /^unknown-entry: entry 2 cannot be applied: entry kind 99 is not known$/);
  t.deepEqual(indexes, []);
  t.is(store.applied.index, 0);
});

test("a command that this program cannot read ends the node", (t) => {
  const strange = makeEntry(1, 1, 0, { ...put, payload: new Uint8Array([255, 255]) });
  t.regex(applied([strange], storeOf()).endings[0]!, /^unknown-entry: entry 1 cannot be applied: /);
});

const broken: DiskError = { code: "EIO", message: "the disk is gone" };
for (const what of ["read", "write"] as const) {
  test(`a state store whose ${what} fails ends the node, and nothing counts as applied`, (t) => {
    const store = storeOf();
    if (what === "read") store.read = (_keys, done) => done(broken, []);
    else store.write = (_writes, _applied, done) => done(broken);
    const { endings, applied: indexes } = applied([makeEntry(1, 1, 0, put)], store);
    t.deepEqual(endings, ["disk: the state store failed: the disk is gone"]);
    t.deepEqual(indexes, []);
    t.is(store.applied.index, 0);
  });
}
