/** An illegal decision in words. */
import { chainsOf } from "./chains.ts";
import type { Contradiction } from "./engines/blocks.ts";
import type { Operation, Transaction } from "./history.ts";
import { spoken, spokenValue } from "./spoken.ts";
import type { Times } from "./times.ts";

type Any = Operation | Transaction;

/** How `core` contradicts itself; "search": no single contradiction was found, and no order fits. */
export type Reason = Contradiction["kind"] | "search";

/** One sentence on why `core` contradicts itself; `extremal` are those of it that do. */
export function sentenceOf(reason: Reason, extremal: readonly Any[], core: readonly Any[], times: Times): string {
  const keyed = core.filter((operation): operation is Operation => operation.op !== "txn");
  const own = extremal.filter((operation): operation is Operation => operation.op !== "txn");
  const words = new Description(keyed, times);
  const said = own.length === 0 ? null : sentences[reason](words, own);
  return said ?? words.fitsNowhere(extremal.at(-1)!);
}

class Description {
  readonly core: readonly Operation[];
  readonly times: Times;

  constructor(core: readonly Operation[], times: Times) {
    this.core = core;
    this.times = times;
  }

  fitsNowhere(operation: Any): string {
    const of = operation.op === "txn" ? "transaction" : `${operation.op} of key ${spoken(operation.key)}`;
    const when =
      operation.return === null ? `called ${this.at(operation.call)}` : `returned ${this.at(operation.return)}`;
    return `client ${operation.client}'s ${of}, ${when}, fits nowhere in the order of the answers before it`;
  }

  at(time: number): string {
    return `at ${this.times.at(time)}`;
  }

  /** What an answer said of the key. */
  saw(operation: Operation): string {
    const { client } = operation;
    const key = spoken(operation.key);
    if (operation.op === "get" && operation.value === null) return `client ${client} found key ${key} absent`;
    if (operation.op === "get") return `client ${client} read ${spokenValue(operation.value)} of key ${key}`;
    if (operation.op === "cas" && operation.outcome === "mismatch") {
      return `client ${client} was told that key ${key} did not hold ${spokenValue(operation.value[0])}`;
    }
    if (operation.op === "cas") {
      const [expected, value] = operation.value;
      if (expected === null && value !== null) return `client ${client} created key ${key} as ${spokenValue(value)}`;
      return `client ${client} changed key ${key} from ${spokenValue(expected)} to ${spokenValue(value)}`;
    }
    return operation.op === "delete"
      ? `client ${client} deleted key ${key}`
      : `client ${client} ${operation.op === "append" ? "appended" : "wrote"} ${spokenValue(operation.value)} to key ${key}`;
  }

  /** An operation that had ended. */
  ended(operation: Operation): string {
    const { client, return: end } = operation;
    const when = end === null ? "with unknown outcome" : this.at(end);
    const value = writtenOrAbsence(operation, "its absence");
    if (operation.op === "get") return `${value} had been read by client ${client} and answered ${when}`;
    if (operation.op === "delete") return `it had been deleted by client ${client} and acknowledged ${when}`;
    return `${value} had been ${operation.op === "append" ? "appended" : "written"} by client ${client} and acknowledged ${when}`;
  }
}

function written(operation: Operation): string | null {
  return operation.op === "cas" ? operation.value[1] : operation.value;
}

function writtenOrAbsence(operation: Operation, absence: string): string {
  const value = written(operation);
  return value === null ? absence : spokenValue(value);
}

function endsBefore(a: Operation, b: Operation): boolean {
  return a.return !== null && a.return < b.call;
}

function told(operation: Operation): string {
  return `client ${operation.client}'s ${operation.op} of key ${spoken(operation.key)} (revision ${operation.revision ?? "unknown"})`;
}

type Say = (words: Description, extremal: readonly Operation[]) => string | null;

/** A later one shows a value though another had taken its place: of two chains each must come before the other. */
function overtaken(words: Description, extremal: readonly Operation[]): string | null {
  const chains = chainsOf(words.core, true);
  for (const late of extremal.toSorted((a, b) => b.call - a.call)) {
    const before = extremal.filter((other) => chains.get(other) !== chains.get(late) && endsBefore(other, late));
    const newer = before.find(({ op }) => op !== "get") ?? before[0];
    if (newer === undefined) continue;
    const said = `${words.saw(late)} ${words.at(late.return ?? late.call)}, but ${words.ended(newer)}`;
    const first = extremal.find(
      (other) => other !== late && chains.get(other) === chains.get(late) && other.return !== null,
    );
    const since =
      newer.op !== "get" || first === undefined
        ? ""
        : ` (${writtenOrAbsence(newer, "absence")} came later than what client ${first.client} had seen or done ${words.at(first.return!)})`;
    return `${said}${since}: stale by at least ${words.times.span(newer.return!, late.call)}`;
  }
  return null;
}

/** Of appends alone: two reads of which neither goes on where the other ends, or one without what had been appended. */
function misappended(words: Description, core: readonly Operation[]): string | null {
  if (core.some(({ op }) => op !== "get" && op !== "append")) return null;
  const reads = core.filter(({ op }) => op === "get").toSorted((a, b) => b.call - a.call);
  for (const [k, late] of reads.entries()) {
    const said = `${words.saw(late)} ${words.at(late.return!)}, but`;
    const read = written(late) ?? "";
    const isApart = (other: string): boolean => !read.startsWith(other) && !other.startsWith(read);
    const apart = reads.slice(k + 1).find((other) => isApart(written(other) ?? ""));
    if (apart !== undefined) return `${said} ${words.ended(apart)}, and neither goes on where the other ends`;
    const isMissed = (one: Operation): boolean =>
      one.op === "append" && endsBefore(one, late) && !read.includes(one.value);
    const missed = core.find(isMissed);
    if (missed !== undefined)
      return `${said} ${words.ended(missed)}: stale by at least ${words.times.span(missed.return!, late.call)}`;
  }
  return null;
}

const sentences: Readonly<Record<Reason, Say>> = {
  zones: overtaken,
  "nobody-wrote": (words, [one]) => {
    const value = one!.op === "cas" ? one!.value[0] : one!.value;
    const failed = words.core.find((other) => other.outcome === "none" && written(other) === value);
    const said = `${words.saw(one!)} ${words.at(one!.return ?? one!.call)}`;
    const name = spokenValue(value);
    if (failed === undefined) return `${said}, but nobody had written ${name}`;
    const what = `client ${failed.client}'s ${failed.op} of ${name}, called ${words.at(failed.call)}`;
    return `${said}, but the only write of ${name}, ${what}, is recorded as failed`;
  },
  "two-successors": (words, [one, other]) => {
    if (one?.op !== "cas" || other?.op !== "cas") return null;
    const once = one.value[0] === null ? `key ${spoken(one.key)} was absent` : `${spokenValue(one.value[0])} was there`;
    return `${words.saw(one)}, and ${words.saw(other)}, but ${once} only once`;
  },
  "order-in-chain": (words, extremal) => {
    const [early, late] = extremal.length === 2 ? [extremal[1]!, extremal[0]!] : [extremal.at(-1)!, extremal[0]!];
    if (late.op === "get" && endsBefore(early, late)) {
      const span = words.times.span(early.return!, late.call);
      return `${words.saw(late)} ${words.at(late.return!)}, but ${words.ended(early)}: stale by at least ${span}`;
    }
    if (early.op === "get" && late.op !== "get" && written(late) === early.value) {
      return `${words.saw(early)} ${words.at(early.return!)}, but its write was called only ${words.at(late.call)}, by client ${late.client}`;
    }
    return `${words.saw(early)}, ${early.return === null ? "called" : "answered"} ${words.at(early.return ?? early.call)}, but what comes before it in the chain of compare-and-sets was called only ${words.at(late.call)}, by client ${late.client} (${late.op})`;
  },
  null: (words, extremal) => {
    const read = extremal.find(({ op, value }) => op === "get" && value === null) ?? extremal.at(-1)!;
    if (read.op !== "get") return null;
    const newest = words.core
      .filter((other) => other.op !== "get" && other.op !== "delete" && endsBefore(other, read))
      .toSorted((a, b) => b.return! - a.return!)[0];
    const what = `${words.saw(read)} ${words.at(read.return ?? read.call)}`;
    if (newest === undefined) return `${what}, which no order of the operations explains`;
    const deleted = words.core.some(({ op }) => op === "delete")
      ? "no delete that could have come after it is left for that"
      : "nobody had deleted it since";
    return `${what}, but ${words.ended(newest)}, and ${deleted}`;
  },
  revisions: (words, extremal) => {
    const [one, other] = [extremal[0]!, extremal.at(-1)!];
    if (one !== other && other.return !== null && other.return < one.call) {
      return `${told(other)} returned ${words.at(other.return)}, before ${told(one)} was called ${words.at(one.call)}: the revisions contradict the order of time`;
    }
    return `${words.saw(other)} ${words.at(other.return ?? other.call)} at revision ${other.revision ?? "unknown"}, which is not what the writes up to that revision left there: the revisions contradict the answers`;
  },
  search: (words, extremal) => {
    const happened = words.core.filter((one) => one.outcome !== "unknown");
    const say = words.core.some(({ op }) => op === "append") ? misappended : overtaken;
    return say(words, happened) ?? words.fitsNowhere(extremal.at(-1)!);
  },
};
