/** Where the directory of an added member is looked for. */
import test from "ava";
import { DirectoryBinding } from "../../core/node/directory-binding.ts";
import type { Peers } from "../../core/node/peers.ts";
import type { Configuration, Member } from "../../core/protocol/configuration.ts";
import type { Raft } from "../../core/raft/raft.ts";

const [before, added] = ["http://before:4", "http://added:4"];
const member: Member = { id: 4, incarnation: 9, url: added, storeId: "", autoPromote: true };
const configuration: Configuration = { members: [member], voters: [1], outgoing: [], learners: [4], removed: [] };
const storeId = "a".repeat(32);

test("a stream that stands where the member was before is given up for its new address, every two seconds at most", (t) => {
  let redials = 0;
  const context = {
    peers: { redial: () => void redials++ } as unknown as Peers,
    schedule: () => undefined,
    send: () => true,
    trace: { fact: () => undefined, note: () => undefined },
    options: {},
    identity: {},
  };
  const binding = new DirectoryBinding(context, { configuration, leader: 1, role: "leader" } as Raft);
  t.false(binding.isPlaceOf(0, 4, before));
  t.is(redials, 0, "nobody asks to be bound");
  binding.check(0, 4, storeId);
  t.is(redials, 0, "it was asked where the stream stands");
  for (const now of [1_000, 1_999_000, 2_001_000]) t.false(binding.isPlaceOf(now, 4, before));
  t.is(redials, 2);
  t.true(binding.isPlaceOf(9_000_000, 4, added));
  t.is(redials, 2);
});
