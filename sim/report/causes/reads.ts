/** What led to a stale read: what it missed, who led, and what the node that answered took itself for. */
import type { Operation } from "../../../checker/index.ts";
import type { Entry } from "../../../core/protocol/entry.ts";
import type { NodeId } from "../../../core/units.ts";
import { leaderRole } from "../../trace/vocabulary.ts";
import { entryWords, valueWords } from "../entries.ts";
import type { Cause, RunFacts } from "./run-facts.ts";

/** An answer as a client tells it. */
export function operationWords({ op, key, value, outcome }: Operation): string {
  const said = Array.isArray(value)
    ? value.map((one) => valueWords(one as string | null)).join(" to ")
    : valueWords(value as string | null);
  if (op === "get") return outcome === "ok" ? `get ${key} = ${said}` : `get ${key}`;
  return op === "delete" ? `delete ${key}` : `${op} ${key} ${said}`;
}

/** `judged` was answered by `node` at `revision`, though `committed` was committed when `who` called it. */
type StaleRead = {
  readonly who: string;
  readonly judged: Operation | null;
  readonly node: NodeId;
  readonly revision: number;
  readonly committed: number;
};

/** How a node came to answer so. */
export function staleRead(facts: RunFacts, { who, judged, node, revision, committed }: StaleRead): Cause[] {
  const causes: Cause[] = [];
  const key = judged?.key ?? "";
  const entry = missedEntry(facts, key, revision, committed);
  const missed = entry?.index ?? committed;
  const leads = facts.leadership(entry?.term ?? 0);
  if (leads !== -1)
    causes.push({ line: leads, text: `n${facts.lines[leads]!.node} becomes leader of term ${facts.lines[leads]!.b}.` });
  if (entry !== null) causes.push(...facts.creation(missed, entry.term), ...facts.commitment(missed));
  let takesItselfFor = "";
  if (node !== 0 && entry !== null) {
    const led = facts.last((line) => line.kind === "role" && line.node === node);
    const line = facts.lines[led];
    if (line?.a === leaderRole && line.b < entry.term) {
      causes.push({ line: led, text: `n${node} becomes leader of term ${line.b}.` });
      takesItselfFor = `, as the leader of term ${line.b} that it takes itself for`;
    }
    causes.push(...facts.missed(node, missed, entry.term));
  }
  if (judged !== null) {
    const called = facts.last(({ time }) => time <= judged.call);
    const asks = node === 0 ? "asks" : `asks n${node}`;
    causes.push({ line: called, text: `${who} ${asks}: get ${key}. By then entry ${committed} was committed.` });
  }
  const granted = facts.last(({ kind, node: id }) => kind === "readIndex" && (node === 0 || id === node));
  if (granted !== -1 && node !== 0) {
    const heard = facts.last(
      (line) =>
        line.kind === "receive" && line.node === node && facts.recorder.messages[line.message]?.kind === "append-reply",
      granted,
    );
    const silence =
      heard === -1
        ? "no follower has acknowledged any heartbeat"
        : `the last acknowledgement of a follower came at ${(facts.lines[heard]!.time / 1e6).toFixed(6)} s`;
    causes.push({
      line: granted,
      text: `n${node} grants read index ${facts.lines[granted]!.a}${takesItselfFor}: ${silence}.`,
    });
  }
  const what = entry === null ? `entry ${missed}` : `entry ${missed} (${entryWords(entry)})`;
  const answer = judged === null || judged.return === null ? "" : `, ${valueWords(judged.value as string | null)}`;
  causes.push({
    line: facts.end,
    text: `The answer is the state at log index ${revision}, its revision${answer}: it has missed ${what}.`,
  });
  return causes;
}

/** Of the committed entries after `revision` up to `committed`: the last one about `key`, else the last one. */
export function missedEntry(facts: RunFacts, key: string, revision: number, committed: number): Entry | null {
  if (key === "") return facts.committedEntry(committed);
  for (let index = committed; index > revision; index--) {
    const entry = facts.committedEntry(index);
    const words = entry === null ? "" : entryWords(entry);
    if (words.startsWith(`put ${key} `) || words === `delete ${key}`) return entry;
  }
  return facts.committedEntry(committed);
}

/** The operations that no order explains, in the order of their calls. */
export function conflict(facts: RunFacts, core: readonly Operation[]): Cause[] {
  return core
    .toSorted((a, b) => a.call - b.call)
    .map((one) => {
      const line = facts.last(({ time }) => time <= (one.return ?? one.call));
      const end = one.return === null ? "is never answered" : `returns at ${(one.return / 1e6).toFixed(6)} s`;
      const at =
        one.return === null || !("revision" in one) || one.revision === undefined ? "" : ` (index ${one.revision})`;
      return {
        line,
        text: `Client ${one.client % 1_000}: ${operationWords(one)}, called at ${(one.call / 1e6).toFixed(6)} s, ${end}${at}.`,
      };
    });
}
