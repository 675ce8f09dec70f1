/**
 * The table of laws that every run is held against. I1 to I23 hold at every moment; L1 to L7 bound how long a calm core takes.
 * The functions of each family stand in one file of `laws/`: they judge a claim by what the ghost knows, keep nothing, and
 * throw a Violation. SIMULATION.md lists I1 to I23 as they are said here.
 */
import * as answers from "./laws/answers.ts";
import * as commit from "./laws/commit.ts";
import * as election from "./laws/election.ts";
import * as limits from "./laws/limits.ts";
import * as membership from "./laws/membership.ts";
import * as reads from "./laws/reads.ts";
import * as replication from "./laws/replication.ts";
import * as state from "./laws/state.ts";
import * as storage from "./laws/storage.ts";
import * as strangers from "./laws/strangers.ts";
import * as waits from "./laws/waits.ts";
import type { Law } from "./violation.ts";

export type { Law, Property } from "./violation.ts";

/** The file in `laws/` that has a law's functions; liveness and determinism are looked at from outside the run. */
export type LawFamily =
  | "election"
  | "replication"
  | "commit"
  | "state"
  | "storage"
  | "membership"
  | "reads"
  | "answers"
  | "limits"
  | "strangers"
  | "waits"
  | "determinism"
  | "liveness";

/** One law: what it is called, what it demands, and what holds it. */
export type LawEntry = {
  readonly name: string;
  readonly family: LawFamily;
  /** What it says: begins small, and its last full stop is left out. */
  readonly sentence: string;
  /** Each throws a Violation. None of I20 and L1 to L7: sim/verify.ts compares two runs, sim/liveness/ waits. */
  readonly checks: readonly ((...claim: never[]) => unknown)[];
};

/** Every law by its number, which a Violation names. */
export const laws: Readonly<Record<Law, LawEntry>> = {
  I1: {
    name: "election safety",
    family: "election",
    sentence: "one leader in a term, over all history",
    checks: [election.leaderMustBeAlone, election.appendMustComeFromLeader],
  },
  I2: {
    name: "vote durability",
    family: "election",
    sentence:
      "one vote for each node and term, durable before anything that depends on it leaves, and never taken back",
    checks: [
      election.voteMustBeTheOnly,
      election.voteMustStay,
      election.candidacyMustBeDurable,
      election.grantedVoteMustBeDurable,
    ],
  },
  I3: {
    name: "term monotonic",
    family: "election",
    sentence: "the durable term never falls; a node speaks only for that",
    checks: [election.durableTermMustNotFall, election.toldTermMustBeDurable],
  },
  I4: {
    name: "vote quorum",
    family: "election",
    sentence: "a leader has the durable votes of a quorum",
    checks: [election.leaderMustBeElected],
  },
  I5: {
    name: "log matching",
    family: "replication",
    sentence:
      "(index, term) names one payload for ever, made by that term's leader. Neither terms nor cluster time fall along a log",
    checks: [
      replication.entryMustFollow,
      replication.entryTermMustNotFall,
      replication.entryMustComeFromLeader,
      replication.entryMustNameOnePayload,
      replication.committedEntryMustBeKnown,
      replication.clusterTimeMustNotFall,
    ],
  },
  I6: {
    name: "leader completeness",
    family: "election",
    sentence:
      "a vote goes to a log at least as up to date as the voter's. A new leader holds every entry committed before its term",
    checks: [election.votersLogMustNotBeNewer, election.leaderMustHoldCommitted],
  },
  I7: {
    name: "commit quorum",
    family: "commit",
    sentence:
      "a leader commits only entries of its own term that are durable on a quorum. A success reply is only for durable, matching entries",
    checks: [
      commit.acknowledgedMustBeDurable,
      commit.acknowledgedMustBeTheLeaders,
      commit.committedMustBeOfOwnTerm,
      commit.committedMustBeOnQuorum,
    ],
  },
  I8: {
    name: "commit permanence",
    family: "commit",
    sentence: "nothing committed is overwritten, and what was acknowledged only by a later term",
    checks: [
      commit.committedMustNotBeOverwritten,
      commit.acknowledgedMustStay,
      commit.baseMustBeCovered,
      commit.neededSnapshotMustStay,
      commit.compactedMustBeCovered,
    ],
  },
  I9: {
    name: "state machine safety",
    family: "state",
    sentence: "one entry at an index is applied everywhere. The state is the fold of the committed prefix",
    checks: [state.appliedMustRise, state.stateMustBeTheFold],
  },
  I10: {
    name: "index order",
    family: "commit",
    sentence: "applied <= commit <= last; each is monotonic within one boot",
    checks: [commit.commitIndexMustRise, commit.appliedMustBeCommitted, commit.indexesMustBeOrdered],
  },
  I11: {
    name: "match index",
    family: "replication",
    sentence: "a match index is at most what the peer has acknowledged, and never falls; next > match",
    checks: [replication.matchMustNotFall, replication.matchMustBeAcknowledged],
  },
  I12: {
    name: "prefix agreement",
    family: "commit",
    sentence: "every node's committed prefix is the global one",
    checks: [commit.announcedMustBeCommitted, commit.firstToCommitMustHaveLed, commit.prefixMustBeTheCommitted],
  },
  I13: {
    name: "snapshot fidelity",
    family: "state",
    sentence:
      "a durable snapshot is the fold of the committed prefix, with its term and configuration. The log is never compacted beyond the newest durable snapshot",
    checks: [state.baseMustBeCommitted, state.installedMustBeDurable, state.snapshotMustBeTheFold],
  },
  I14: {
    name: "recovery",
    family: "storage",
    sentence: "recovery gives back what was durable and a legal tail, no more and no less; what is durable stays",
    checks: [
      storage.batchMustBeReadable,
      storage.durableBytesMustStay,
      storage.removedSegmentMustNotBeNeeded,
      storage.durableBatchesMustSurvive,
      storage.durableStateMustBeRecovered,
      storage.logMustBeRecovered,
      storage.directoryMustBeOfThisFormat,
      storage.lostLogMustNotBegin,
      storage.olderCopyMustBeRefused,
      storage.exitMustBeExplained,
    ],
  },
  I15: {
    name: "configuration change",
    family: "membership",
    sentence:
      "the configuration in force is the newest in snapshot and log. Voters change through a joint configuration, one change at a time",
    checks: [
      membership.changeMustComeAlone,
      membership.changeMustFollowOwnCommit,
      membership.votersMustChangeJointly,
      membership.configurationMustBeTheNewest,
      membership.removedMustBeNoMember,
    ],
  },
  I16: {
    name: "linearizability",
    family: "reads",
    sentence: "an answer has seen everything committed before the call, and the history is linearizable",
    checks: [reads.answerMustBeFresh, reads.monitorMustBeToldWhatIsFresh, reads.historyMustBeLinearizable],
  },
  I17: {
    name: "lease exclusivity",
    family: "reads",
    sentence: "no node is elected while a leader of an earlier term believes in its lease, each on its own clock",
    checks: [reads.leaseMustBeOver],
  },
  I18: {
    name: "answer integrity",
    family: "answers",
    sentence:
      "a command's result is what its entry gave at its first run; a refusal has its reason; a read is the row at its revision; a node that has applied nothing answers no stale read; what never left its node is never unknown; a change that is done was in force, a refused or answered change is not made",
    checks: [
      answers.answerMustBeSo,
      answers.refusedMustNotHappen,
      answers.staleAnswerMustBeKnown,
      answers.unknownMustHaveLeft,
      answers.doneChangeMustHold,
      answers.refusedChangeMustNotBeMade,
      answers.changeMustBeAskedFor,
    ],
  },
  I19: {
    name: "pre-vote neutrality",
    family: "election",
    sentence: "a pre-vote request changes no term and no vote",
    checks: [election.preVoteMustChangeNothing],
  },
  I20: { name: "determinism", family: "determinism", sentence: "same seed, same trace (a test)", checks: [] },
  I21: {
    name: "crash and hang freedom",
    family: "limits",
    sentence: "no uncaught error; every request and every run ends; limits are kept; nothing waits at the end",
    checks: [
      limits.runMustEnd,
      limits.queueOfEventsMustBeBounded,
      limits.turnMustEnd,
      limits.appendMustBeBounded,
      limits.peerQueueMustBeBounded,
      limits.frameMustBeReadIfWhole,
      limits.streamMustBeUnderstood,
      limits.readMessageMustHaveBeenSent,
      limits.readMessageMustBeTheSent,
      limits.requestMustEndOnce,
      limits.toldToStopMustStop,
      limits.closedFileMustNotBeUsed,
    ],
  },
  I22: {
    name: "stranger isolation",
    family: "strangers",
    sentence: "no node's term, configuration or addresses come from a stranger, and no node exits because of one",
    checks: [
      strangers.unfinishedFrameMustBeRefused,
      strangers.termMustNotComeFromStranger,
      strangers.strangerMustNotBeMember,
      strangers.addressMustNotComeFromStranger,
      strangers.laterStartMustNotReplaceLiving,
      strangers.strangerMustNotEndMember,
      strangers.strangerMustNotRebind,
    ],
  },
  I23: {
    name: "bounded waits",
    family: "waits",
    sentence:
      "a hand-over, a joint configuration, a promotion, a snapshot, a held log, a queue, a request: each ends within its bound of undisturbed time",
    checks: [waits.waitMustEnd, waits.snapshotPieceMustNotBeSentForEver],
  },
  L1: { name: "leader election", family: "liveness", sentence: "the whole core follows one leader", checks: [] },
  L2: {
    name: "client progress",
    family: "liveness",
    sentence:
      "every client has two more answers. Each kind of request, at the leader and at another member, is answered well, and its retry gets the first answer",
    checks: [],
  },
  L3: {
    name: "convergence",
    family: "liveness",
    sentence: "all members in the core hold the same",
    checks: [],
  },
  L4: {
    name: "term stability",
    family: "liveness",
    sentence: "once all that was under way has arrived and ended, the term stays",
    checks: [],
  },
  L5: { name: "request termination", family: "liveness", sentence: "every request ends", checks: [] },
  L6: {
    name: "change progress",
    family: "liveness",
    sentence:
      "no joint configuration is left. A machine that is added becomes a voter, the leadership moves as asked, a member that is removed leaves and ends",
    checks: [],
  },
  L7: {
    name: "log boundedness",
    family: "liveness",
    sentence: "every log is compacted to its trailing entries and what comes between two snapshots",
    checks: [],
  },
};

/** A broken property as it is printed: "I6 leader completeness". What is no law (the verdict of the checker) is its own name. */
export function lawName(property: string): string {
  return property in laws ? `${property} ${laws[property as Law].name}` : property;
}
