/** Operations as bars, for a terminal: a row each, one column for each moment at which something is called or returns. */
import type { Operation, Transaction } from "../history.ts";
import type { Times } from "../times.ts";
import { label } from "../words.ts";

const columnsMax = 72;
const rowsMax = 30;

/** Moments are in order, not to scale; one without an answer ends in an arrow. Of many operations the last called ones. */
export function timeline(all: readonly (Operation | Transaction)[], times: Times): string[] {
  const operations = all.slice(-rowsMax);
  const rows = rowsOf(operations, times);
  return operations.length === all.length ? rows : [`  ... ${all.length - operations.length} before these`, ...rows];
}

function rowsOf(operations: readonly (Operation | Transaction)[], times: Times): string[] {
  const moments = [
    ...new Set(operations.flatMap((one) => (one.return === null ? [one.call] : [one.call, one.return]))),
  ].toSorted((a, b) => a - b);
  const place = new Map(moments.map((moment, k) => [moment, k]));
  const step = Math.max(1, Math.min(8, Math.floor(columnsMax / (moments.length + 1))));
  const width = step * moments.length + 1;
  const names = operations.map(({ client }) => `client ${client}`);
  const nameWidth = Math.max(...names.map((name) => name.length));
  return operations.map((operation, k) => {
    const from = place.get(operation.call)! * step;
    const to = operation.return === null ? width - 1 : place.get(operation.return)! * step;
    const bar =
      from === to ? "┼" : `├${"─".repeat(Math.max(0, to - from - 1))}${operation.return === null ? "▷" : "┤"}`;
    const when =
      operation.return === null
        ? `${times.at(operation.call)} .. no answer`
        : `${times.at(operation.call)} .. ${times.at(operation.return)}`;
    const revision = operation.revision === undefined ? "" : `, revision ${operation.revision}`;
    return `  ${names[k]!.padEnd(nameWidth)}  ${(" ".repeat(from) + bar).padEnd(width)}  ${label(operation)}  (${when}${revision})`;
  });
}
