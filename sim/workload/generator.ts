/**
 * What a client asks next, drawn from the seed: the same operations for a simulated cluster and for a real one. Nothing
 * here sends or waits.
 */
import { type Draws, salts } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import { edgeBytesMax } from "../plan/value-bytes.ts";

/** Few and hot; some are names that an object of the language would have by itself. */
export const keyNames = ["k", "__proto__", "constructor", "k\u00ff\u0000"];

/** The `n`-th key: after the hot ones come any number of others, some of them long. */
export function keyName(n: number): string {
  return keyNames[n] ?? `key ${n}${n % 16 === 5 ? " long".repeat(40) : ""}`;
}

/** What a client may ask about one key; a put and a cas carry a new value. */
export type KeyOperation = "get" | "put" | "delete" | "cas";

/** The key of the client's k-th operation, one of the first `keys` names. */
export function drawKey(draws: Draws, client: number, k: number, keys: number): string {
  return keyName(draws.below(keys, "clientOp", client, k, salts.clientOp.key));
}

/** The client's k-th operation; a cas only where the client knows what the key last held. */
export function drawOperation(
  draws: Draws,
  client: number,
  k: number,
  casPercent: number,
  isKnown: boolean,
): KeyOperation {
  const dice = draws.below(100, "clientOp", client, k, salts.clientOp.kind);
  if (dice >= 55) return "get";
  if (dice >= 45) return "delete";
  const isCas = draws.below(100, "clientOp", client, k, salts.clientOp.isCas) < casPercent;
  return isCas && isKnown ? "cas" : "put";
}

/** Whether the client's k-th operation uses its last sequence once more, for another command. */
export function drawClash(draws: Draws, client: number, k: number): boolean {
  return draws.below(100, "clientOp", client, k, salts.clientOp.reusesSequence) < 5;
}

/** Of an entry besides its payload; of a command besides key and value; of a row besides them. */
const headers = { entry: 88, command: 14, row: 36 };

/** The limits of a plan that a value of some size can fill. */
function edgesOf({ limits, ...plan }: Plan): number[] {
  const { bytesPerAppendMax, bytesPerForwardMax, snapshotBlockBytes, snapshotSliceBytes } = limits;
  const others = [bytesPerAppendMax, bytesPerForwardMax, snapshotBlockBytes, snapshotSliceBytes];
  const { bytesInFlightMax, queueBytesMax, snapshotChunkBytes, uncommittedBytesMax, walSegmentBytesMax } = plan;
  const own = [bytesInFlightMax, queueBytesMax, snapshotChunkBytes, uncommittedBytesMax, walSegmentBytesMax];
  return [...others, ...own].filter((bytes) => bytes > 1 && bytes <= edgeBytesMax);
}

/** How long the client's k-th value of `key` is, what it begins with included: at a limit, one below, one over, or twice that. */
export function drawValueBytes(draws: Draws, client: number, k: number, key: string, plan: Plan): number {
  const { valueBytes } = plan;
  const begin = valueOf(client, k).length;
  const { clientOp: what } = salts;
  const draw = (bound: number, salt: number): number => draws.below(bound, "clientOp", client, k, salt);
  const edges = plan.valueEdges ? edgesOf(plan) : [];
  if (edges.length === 0 || draw(2, what.hasUsualLength) === 0) return begin + valueBytes;
  const { entry, command, row } = headers;
  const around = [command + key.length, entry + command + key.length, row + key.length, 0][draw(4, what.lengthOf)]!;
  const bytes =
    edges[draw(edges.length, what.edge)]! * (1 + draw(2, what.isTwice)) - around + draw(3, what.besideEdge) - 1;
  return Math.max(begin, Math.min(edgeBytesMax, bytes));
}

/** What the client's k-th write begins with: nobody else ever writes it. */
export function valueOf(client: number, k: number): string {
  return `c${client}.${k}.`;
}
