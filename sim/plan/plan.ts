/**
 * The plan of a run, drawn from its seed: how large, how fast, which faults and how strong. Swarm testing (Groce and
 * others 2012): every fault family is off in half of the runs, so that one does not hide what another would find.
 */
import type { SessionLimits } from "../../core/kv/sessions.ts";
import { existsIn, faultFamilies, type FaultFamily, needsStreams, strengths, type Tier } from "./families.ts";
import { type Knob, KnobDraws } from "./knobs.ts";
import { drawLimits, fewKeys, type PlanLimits } from "./limits.ts";
import { drawOrigin, type Origin } from "./origin.ts";

/** "mixed": nodes with an even id have their rows in RocksDB, the others in memory. */
export const engineChoices = ["memory", "rocksdb", "mixed"] as const;
/** Where the nodes of a run have their rows. */
export type Engines = (typeof engineChoices)[number];

/** All that a run is decided by, beside the decisions of a tape. Strengths in `faults` are parts in a million. */
export type Plan = {
  readonly seed: number;
  readonly tier: Tier;
  readonly nodes: number;
  readonly clients: number;
  readonly keys: number;
  /** Mean time between two operations of one client. */
  readonly thinkMicros: number;
  /** How long a client waits for an answer before it goes on. */
  readonly patienceMicros: number;
  /** No fault that is bound to a time strikes before this one: the founding is not always disturbed. */
  readonly quietMicros: number;
  readonly valueBytes: number;
  /** Half of the values are of a size at which some limit of the plan is full, or one off. */
  readonly valueEdges: boolean;
  readonly safetyMicros: number;
  readonly latencyMicros: number;
  /** Messages travel on streams, as on a real connection; else each by itself. */
  readonly streams: boolean;
  /** What a stream's queue takes before it loses messages, and what the kernel takes before it waits. */
  readonly queueBytesMax: number;
  readonly unsentBytesMax: number;
  readonly syncMicros: number;
  readonly electionMicros: number;
  readonly heartbeatMicros: number;
  readonly requestMicros: number;
  readonly entriesPerAppendMax: number;
  readonly entriesInFlightMax: number;
  readonly bytesInFlightMax: number;
  readonly messagesInFlightMax: number;
  readonly entriesPerApplyMax: number;
  readonly uncommittedBytesMax: number;
  readonly walSegmentBytesMax: number;
  /** Where rows live: one engine for all, or each node its own. */
  readonly engines: Engines;
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
  readonly trailingBytes: number;
  readonly snapshotChunkBytes: number;
  /** Machines that are not founders, and may be added. */
  readonly spares: number;
  /** Mean time between two change requests of the operator; 0: none. */
  readonly operatorMicros: number;
  /** Of a hundred writes, how many are conditional. */
  readonly casPercent: number;
  /** Of a hundred reads, how many may trust a lease. */
  readonly leasePercent: number;
  /** Clients open sessions, and ask again under the same sequence. */
  readonly sessions: boolean;
  readonly sessionLimits: SessionLimits;
  /** A client opens another session after so many writes in one; 0: only where it has none. */
  readonly sessionUses: number;
  /** Of the nodes, beside those above. */
  readonly limits: PlanLimits;
  /** The numbers that the run begins with. */
  readonly origin: Origin;
  /** Parts in a million: per message, per sync or per time slot and target; 0: the family is off. */
  readonly faults: Readonly<Record<FaultFamily, number>>;
};

/** What is asked for, whatever the seed draws. */
export type PlanChanges = {
  readonly tier?: Tier;
  readonly engines?: Engines | null;
  /** Families that are on, as strong as the seed draws them; all others are off. */
  readonly only?: readonly FaultFamily[] | null;
  /** Families that are off. */
  readonly without?: readonly FaultFamily[];
};

/** What `seed` draws, with `changes`. */
export function planOf(seed: number, changes: PlanChanges = {}): Plan {
  const { tier = "a" } = changes;
  const draws = new KnobDraws(seed);
  const pick = <T>(knob: Knob, choices: readonly T[]): T => draws.pick(knob, choices);
  const streams =
    changes.only?.some((family) => needsStreams.has(family)) === true ||
    pick("streams", [false, false, false, true]) ||
    (tier === "b" && draws.share("streamsOfTierB") < 0.3);
  const strength = (family: FaultFamily): number => {
    if (!existsIn(family, tier, streams)) return 0;
    const isAsked = changes.only?.includes(family) ?? true;
    const isOff = !isAsked || changes.without?.includes(family) === true;
    return isOff || draws.isOff(family) ? 0 : draws.strength(family, strengths[family]);
  };
  const faults = Object.fromEntries(faultFamilies.map((family) => [family, strength(family)])) as Plan["faults"];
  const clients = pick("clients", [2, 3, 5, 8]);
  const electionMicros = pick("electionMicros", [200_000, 400_000, 1_000_000]);
  const keys = draws.share("manyKeys") < 0.2 ? pick("keysOfMany", [20, 70, 300]) : pick("keys", [1, 2, 4]);
  return {
    seed,
    tier,
    nodes: pick("nodes", [1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
    clients,
    keys,
    // 50, 20 or 10 operations a second over all clients.
    thinkMicros: clients * pick("thinkMicros", [20_000, 50_000, 100_000]),
    patienceMicros: pick("patienceMicros", [300_000, 1_500_000, 10_000_000]),
    quietMicros: pick("quietMicros", [0, 2_000_000, 4_000_000]),
    valueBytes: pick("valueBytes", [0, 0, 40, 700]),
    valueEdges: draws.share("valueEdges") < 0.3,
    safetyMicros: pick("safetyMicros", [10_000_000, 20_000_000, 30_000_000]),
    streams,
    queueBytesMax: pick("queueBytesMax", [2_000, 1_000_000]),
    unsentBytesMax: pick("unsentBytesMax", [0, 4_000, 256_000]),
    latencyMicros: pick("latencyMicros", [200, 1_000, 10_000]),
    syncMicros: pick("syncMicros", [100, 1_000, 8_000]),
    electionMicros,
    heartbeatMicros: electionMicros / pick("heartbeatMicros", [4, 10]),
    requestMicros: pick("requestMicros", [1_000_000, 5_000_000]),
    entriesPerAppendMax: pick("entriesPerAppendMax", [1, 2, 3, 64, 64]),
    entriesInFlightMax: pick("entriesInFlightMax", [1, 2, 256, 256]),
    entriesPerApplyMax: pick("entriesPerApplyMax", [1, 3, 256]),
    uncommittedBytesMax: pick("uncommittedBytesMax", [500, 1_000_000, 1_000_000]),
    walSegmentBytesMax: pick("walSegmentBytesMax", [600, 4_096, 1_000_000]),
    snapshotEntries: pick("snapshotEntries", [3, 8, 60, 10_000]),
    trailingEntries: pick("trailingEntries", [0, 1, 3, 100]),
    trailingBytes: pick("trailingBytes", [300, 1_000_000]),
    snapshotChunkBytes: pick("snapshotChunkBytes", [60, 500, 65_536]) * (keys > fewKeys ? 8 : 1),
    spares: 2,
    operatorMicros: pick("operatorMicros", [0, 300_000, 1_000_000, 3_000_000]),
    casPercent: pick("casPercent", [0, 0, 30]),
    sessions: pick("sessions", [false, true]),
    sessionLimits: pick("sessionLimits", [
      { sessionsMax: 10_000, resultsMax: 128, idleMicrosMax: 3_600_000_000 },
      { sessionsMax: 3, resultsMax: 2, idleMicrosMax: 3_000_000 },
    ]),
    sessionUses: pick("sessionUses", [0, 0, 1, 4]),
    limits: drawLimits(draws, keys),
    origin: drawOrigin(draws),
    engines: changes.engines ?? pick("engines", engineChoices),
    // The bound on clocks is what a lease stands on: where one may stand still, nobody trusts it.
    leasePercent: faults.clockStall > 0 ? 0 : pick("leasePercent", [0, 50, 100]),
    bytesInFlightMax: pick("bytesInFlightMax", [300, 1_000_000, 1_000_000]),
    messagesInFlightMax: pick("messagesInFlightMax", [1, 256, 256]),
    faults,
  };
}
