/**
 * Every limit that cuts a node's work into pages, blocks and batches, or bounds what waits, with its default. A host may
 * choose others; the simulator draws small ones, so that each loop runs once, twice and many times, and exactly full.
 * test/limits.test.ts fails where a number in core is a limit and not here. Bounds of the protocol and of formats, which
 * both ends must know, stay where bytes are read.
 */
import { assert } from "./assert.ts";

/** What a limit counts. */
export type LimitUnit =
  | "bytes"
  | "changes"
  | "entries"
  | "items"
  | "members"
  | "messages"
  | "microseconds"
  | "refusals"
  | "requests"
  | "results"
  | "rounds"
  | "rows"
  | "sessions"
  | "tries";

/** One limit. A node works with any value from `least` to `most`. */
export type Limit = {
  readonly usual: number;
  readonly unit: LimitUnit;
  readonly least: number;
  readonly most: number;
  readonly what: string;
};

const hourMicros = 3_600_000_000;
const kib = 1024;
const mib = 1024 * 1024;
/** Of what is sent in one frame, which holds 32 MiB. */
const messageBytesMost = 16 * mib;
/** Of what is counted or kept, and never sent at once. */
const manyMost = 2 ** 40;

function limit(usual: number, unit: LimitUnit, least: number, most: number, what: string): Limit {
  return { usual, unit, least, most, what };
}

/** By the name of the option. */
export const limitTable = {
  electionMicros: limit(1_000_000, "microseconds", 1, hourMicros, "an election timeout; its jitter adds up to as much"),
  heartbeatMicros: limit(100_000, "microseconds", 1, hourMicros, "a leader is heard this often"),
  requestMicros: limit(5_000_000, "microseconds", 1, hourMicros, "a request waits so long, and then fails"),
  entriesPerAppendMax: limit(1_024, "entries", 1, 1_000_000, "in one append"),
  bytesPerAppendMax: limit(mib, "bytes", 1, messageBytesMost, "of entries in one append; one entry always goes"),
  entriesInFlightMax: limit(16_384, "entries", 1, manyMost, "on their way to one peer"),
  bytesInFlightMax: limit(8 * mib, "bytes", 1, manyMost, "of entries on their way to one peer"),
  messagesInFlightMax: limit(256, "messages", 1, manyMost, "appends with entries on their way to one peer"),
  uncommittedBytesMax: limit(
    64 * mib,
    "bytes",
    1,
    manyMost,
    "of a leader's entries that are not committed and durable",
  ),
  readRoundsMax: limit(64, "rounds", 1, manyMost, "read index rounds whose time of opening is remembered"),
  bytesPerForwardMax: limit(
    mib,
    "bytes",
    1,
    messageBytesMost,
    "of payloads; the write that crosses it still goes along",
  ),
  waitingMax: limit(20_000, "requests", 1, manyMost, "that may wait at one time"),
  unsentRefusalsMax: limit(4_096, "refusals", 1, manyMost, "that found no room on the stream to their origin"),
  openChangesMax: limit(64, "changes", 1, manyMost, "requests of other members, open at the leader"),
  changeOutcomesMax: limit(1_024, "changes", 1, manyMost, "decided requests of one asker, remembered by the leader"),
  learnedUrlsMax: limit(16, "members", 1, manyMost, "said by peers that the configuration does not name"),
  joinerReadMicros: limit(100_000, "microseconds", 1, hourMicros, "a read for joiners begins at most this often"),
  entriesPerApplyMax: limit(1_024, "entries", 1, 1_000_000, "in one batch of the apply loop"),
  walSegmentBytesMax: limit(64 * mib, "bytes", 1, manyMost, "of a segment, before the next one begins"),
  idleWatermarkMicros: limit(100_000, "microseconds", 1, hourMicros, "until an idle log says how far it is durable"),
  snapshotEntries: limit(10_000, "entries", 1, manyMost, "applied since the last snapshot, until the next"),
  snapshotBytes: limit(64 * mib, "bytes", 1, manyMost, "of entries applied since the last snapshot, until the next"),
  trailingEntries: limit(5_000, "entries", 0, manyMost, "kept in the log though a snapshot covers them"),
  trailingBytes: limit(16 * mib, "bytes", 0, manyMost, "of entries kept in the log though a snapshot covers them"),
  snapshotChunkBytes: limit(64 * kib, "bytes", 1, messageBytesMost, "of a snapshot in one message"),
  snapshotTriesMax: limit(10, "tries", 1, 1_000_000, "so often a chunk is sent in vain before its receiver rests"),
  snapshotSliceBytes: limit(128 * kib, "bytes", 1, messageBytesMost, "of a snapshot, written or read in one turn"),
  snapshotSyncBytes: limit(4 * mib, "bytes", 1, manyMost, "of a snapshot that is written, between two syncs"),
  snapshotBlockItems: limit(64, "items", 1, 1_000_000, "rows or sessions in one block; the same on every member"),
  snapshotBlockBytes: limit(64 * kib, "bytes", 1, messageBytesMost, "of rows end a block; the same on every member"),
  rowsPerSweepMax: limit(256, "rows", 1, 1_000_000, "of generations that are over, removed at once"),
  sessionsPerScanMax: limit(64, "sessions", 1, 1_000_000, "read at once where a store opens"),
  sessionsMax: limit(10_000, "sessions", 1, manyMost, "live ones; the same on every member"),
  resultsMax: limit(128, "results", 1, 1_000_000, "kept of one session; the same on every member"),
  idleMicrosMax: limit(hourMicros, "microseconds", 1, manyMost, "until a session is gone; the same on every member"),
} as const satisfies Record<string, Limit>;

/** The name of an option that is a limit. */
export type LimitName = keyof typeof limitTable;
/** Values of some limits. */
export type LimitsOf<Name extends LimitName> = { readonly [N in Name]: number };

/** All limits, in the order of the table. */
export const limitNames = Object.keys(limitTable) as readonly LimitName[];

/** The defaults of `names`. */
export function usualLimits<Name extends LimitName>(...names: readonly Name[]): LimitsOf<Name> {
  return Object.fromEntries(names.map((name) => [name, limitTable[name].usual])) as LimitsOf<Name>;
}

/** Where `limits` names some, each is an integer in its range: anything else is a bug of the host. */
export function assertLimits(limits: Partial<LimitsOf<LimitName>>): void {
  for (const name of limitNames) {
    const value = limits[name];
    if (value === undefined) continue;
    const { least, most } = limitTable[name];
    assert(Number.isSafeInteger(value), `${name} is an integer`);
    assert(value >= least && value <= most, `${name} is from ${least} to ${most}`);
  }
}

/** Those of sessions decide what is applied. */
export type SessionLimitName = "sessionsMax" | "resultsMax" | "idleMicrosMax";
/** Those of a store on an ordered map. */
export type PageLimitName = "rowsPerSweepMax" | "sessionsPerScanMax";
/** All others are options of a node. */
export type NodeLimitName = Exclude<LimitName, SessionLimitName | PageLimitName>;

const storeLimitNames: readonly LimitName[] = [
  "sessionsMax",
  "resultsMax",
  "idleMicrosMax",
  "rowsPerSweepMax",
  "sessionsPerScanMax",
];

/** Of a store on an ordered map: how much it reads or removes at once. */
export type PageLimits = LimitsOf<PageLimitName>;
/** The pages of a store that serves. */
export const pageLimits: PageLimits = usualLimits("rowsPerSweepMax", "sessionsPerScanMax");

/** The limits of a node that serves. */
export const nodeLimits: LimitsOf<NodeLimitName> = usualLimits(
  ...limitNames.filter((name): name is NodeLimitName => !storeLimitNames.includes(name)),
);
