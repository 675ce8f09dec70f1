/** Whether each stale read's answer was a state of the store at the revision that it names. */
import type { Operation } from "../../checker/index.ts";
import type { Recorder } from "../workload/history.ts";

type Write = { readonly revision: number; readonly value: string | null };

/** What a write leaves in its key. */
function left(operation: Operation): string | null {
  return operation.op === "cas" ? operation.value[1] : operation.value;
}

/** What is wrong, as sentences; at most ten. `refused`: values whose writes certainly did not happen. */
export function staleProblems({ operations, stale }: Recorder, refused: ReadonlySet<string>): string[] {
  const known = new Map<string, Write[]>();
  /** Values, null among them, that a write of unknown outcome may have left. */
  const open = new Map<string, Set<string | null>>();
  for (const operation of operations) {
    const { key, op, outcome, revision } = operation;
    if (op === "get" || outcome === "none" || outcome === "mismatch") continue;
    if (outcome === "ok" && revision !== undefined) list(known, key).push({ revision, value: left(operation) });
    else {
      const values = open.get(key) ?? new Set();
      open.set(key, values.add(left(operation)));
    }
  }
  for (const writes of known.values()) writes.sort((a, b) => a.revision - b.revision);
  const problems: string[] = [];
  for (const { member, key, value, revision } of stale) {
    if (problems.length >= 10) break;
    const said = `n${member} answered a stale read of ${key} with ${value ?? "its absence"}`;
    if (value !== null && refused.has(value)) problems.push(`${said}, whose write was refused as certain`);
    else if (revision === undefined || revision === 0) problems.push(`${said} at no revision: it cannot know`);
    else {
      const newest = (known.get(key) ?? []).findLast((write) => write.revision <= revision);
      const isSo = (newest?.value ?? null) === value || open.get(key)?.has(value) === true;
      if (!isSo) problems.push(`${said} at revision ${revision}, where it held ${newest?.value ?? "nothing"}`);
    }
  }
  return problems;
}

function list(map: Map<string, Write[]>, key: string): Write[] {
  let writes = map.get(key);
  if (writes === undefined) map.set(key, (writes = []));
  return writes;
}
