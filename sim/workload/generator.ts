/**
 * What a client asks next, drawn from the seed: the same operations for a simulated cluster and for a real one. Nothing
 * here sends or waits.
 */
import type { Draws } from "../draws.ts";

/** Few and hot; some are names that an object of the language would have by itself. */
export const keyNames = ["k", "__proto__", "constructor", "k\u00ff\u0000"];

/** What a client may ask about one key; a put and a cas carry a new value. */
export type KeyOperation = "get" | "put" | "delete" | "cas";

/** The key of the client's k-th operation, one of the first `keys` names. */
export function drawKey(draws: Draws, client: number, k: number, keys: number): string {
  return keyNames[draws.below(keys, "clientOp", client, k, 2)]!;
}

/** The client's k-th operation; a cas only where the client knows what the key last held. */
export function drawOperation(
  draws: Draws,
  client: number,
  k: number,
  casPercent: number,
  isKnown: boolean,
): KeyOperation {
  const dice = draws.below(100, "clientOp", client, k, 1);
  if (dice >= 55) return "get";
  if (dice >= 45) return "delete";
  const isCas = draws.below(100, "clientOp", client, k, 3) < casPercent;
  return isCas && isKnown ? "cas" : "put";
}

/** Whether the client's k-th operation uses its last sequence once more, for another command. */
export function drawClash(draws: Draws, client: number, k: number): boolean {
  return draws.below(100, "clientOp", client, k, 5) < 5;
}

/** What the client's k-th write begins with: nobody else ever writes it. */
export function valueOf(client: number, k: number): string {
  return `c${client}.${k}.`;
}
