/** What a node has promised on its disk, and takes back: each breaks its law when it is written, whatever a restart would read. */
import test from "ava";
import { Writer } from "../../core/bytes.ts";
import { noopProposal } from "../../core/protocol/entry.ts";
import { makeEntry } from "../../core/protocol/entry-codec.ts";
import { type BatchContent, emptyBatch, encodeBatch, segmentName } from "../../core/storage/wal-record.ts";
import { noOrigin } from "../../sim/plan/origin.ts";
import { Ghost } from "../../sim/safety/ghost.ts";
import { lawName } from "../../sim/laws.ts";
import { Violation } from "../../sim/violation.ts";

const storeId = "0".repeat(32);
const limits = { sessionsMax: 10, resultsMax: 10, idleMicrosMax: 1_000_000 };

/** The log of n1, as its process writes it. */
class Log {
  readonly ghost = new Ghost(3, limits, noOrigin);
  readonly file = segmentName(0);
  readonly #writer = new Writer();
  #seq = 0;
  offset = 0;
  syncedThrough = 0;

  write(content: Partial<BatchContent>, offset = this.offset): void {
    const { syncedThrough } = this;
    const place = { storeId, segment: 0, offset, segmentPosition: 0, syncedThrough: Math.min(offset, syncedThrough) };
    encodeBatch(this.#writer, place, { ...emptyBatch, ...content });
    this.ghost.wrote(1, this.file, offset, this.#writer.bytes().slice(), ++this.#seq);
    this.offset = offset + this.#writer.length;
  }

  sync(): void {
    this.ghost.synced(1, this.file, this.#seq);
    this.syncedThrough = this.offset;
  }

  /** Votes for n1 in term 5, which a quorum does, and leads. */
  lead(): void {
    this.write({ hardState: { term: 5, vote: 1 } });
    this.sync();
    this.ghost.leaders.set(5, 1);
  }
}

function lawOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Violation) return lawName(error.property);
    throw error;
  }
  return "none";
}

const voted = { hardState: { term: 5, vote: 2 } };

test("a vote that a later record clears is taken back, though nobody else gets it", (t) => {
  const log = new Log();
  log.write(voted);
  log.sync();
  t.is(
    lawOf(() => log.write(voted)),
    "none",
  );
  t.is(
    lawOf(() => log.write({ hardState: { term: 5, vote: 0 } })),
    "I2 vote durability",
  );
});

test("a term that a later record lowers is taken back, before that record is durable", (t) => {
  const log = new Log();
  log.write(voted);
  t.is(
    lawOf(() => log.write({ hardState: { term: 4, vote: 0 } })),
    "I3 term monotonic",
  );
});

test("a vote that was told counts as one that is durable", (t) => {
  const log = new Log();
  log.ghost.voted(1, { term: 4, vote: 3 });
  t.is(
    lawOf(() => log.ghost.voted(1, { term: 4, vote: 2 })),
    "I2 vote durability",
  );
});

test("what was acknowledged in a term stays for all of that term", (t) => {
  const entry = makeEntry(1, 5, 1, noopProposal);
  const log = new Log();
  log.lead();
  log.write({ entries: [entry] });
  log.sync();
  log.ghost.node(1).acknowledged = { term: 5, index: 1 };
  t.is(
    lawOf(() => log.write({ entries: [entry] })),
    "none",
  );
  // A compaction point that replaces the log drops entry 2, which is acknowledged and not committed.
  log.ghost.committed.put(1, 5, entry.crc, false);
  log.ghost.node(1).covered = 1;
  const place = { index: 1, term: 5, clusterMicros: 1 };
  const member = { id: 1, incarnation: 0, url: "a", storeId, autoPromote: false };
  const configuration = { members: [member], voters: [1], outgoing: [], learners: [], removed: [] };
  const base = { place, configuration: { index: 0, configuration } };
  log.write({ entries: [makeEntry(2, 5, 2, noopProposal)] });
  log.ghost.node(1).acknowledged = { term: 5, index: 2 };
  t.is(
    lawOf(() => log.write({ base, replaces: true })),
    "I8 commit permanence",
  );
});

test("a log does not begin after what is not durable elsewhere", (t) => {
  const log = new Log();
  log.ghost.committed.put(1, 5, 7, false);
  const member = { id: 1, incarnation: 0, url: "a", storeId, autoPromote: false };
  const configuration = { members: [member], voters: [1], outgoing: [], learners: [], removed: [] };
  const base = { place: { index: 1, term: 5, clusterMicros: 1 }, configuration: { index: 0, configuration } };
  t.is(
    lawOf(() => log.write({ base })),
    "I8 commit permanence",
  );
});

test("what is durable is neither overwritten nor cut nor removed, and no mark vouches for more", (t) => {
  const started = (): Log => {
    const log = new Log();
    log.write(voted);
    log.sync();
    return log;
  };
  const again = started();
  t.is(
    lawOf(() => again.write(voted, 0)),
    "I14 recovery",
  );
  const cut = started();
  t.is(
    lawOf(() => cut.ghost.truncated(1, cut.file, 8)),
    "I14 recovery",
  );
  const removed = started();
  t.is(
    lawOf(() => removed.ghost.removed(1, removed.file)),
    "I14 recovery",
  );
  const ahead = started();
  ahead.write(voted);
  ahead.syncedThrough = ahead.offset;
  t.is(
    lawOf(() => ahead.write(voted)),
    "I14 recovery",
  );
});
