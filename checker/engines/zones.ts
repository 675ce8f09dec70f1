/**
 * The order of blocks where absence does not repeat (after Gibbons and Korach 1997; zones of Golab, Li and Shah 2011).
 *
 * For a block let F be its earliest return and S its latest call. A must stand before B iff F_A < S_B: some operation of
 * A returns before some operation of B is called. Two blocks that must each stand before the other are in conflict, and
 * there is no order. Otherwise the blocks in order of min(F, S), those with F >= S first on ties, are in a right one:
 *
 * Let A stand before B there and yet F_B < S_A. If F_A >= S_A, then S_A = min_A <= min_B <= F_B, against it. So
 * min_A = F_A. If F_A < S_B the two are in conflict. Else S_B <= F_A <= min(F_B, S_B), so S_B = F_A is a tie and B, with
 * F_B >= S_B, stands first. So a pair that is out of order is itself the proof that no order exists.
 */
import { type Blocks, contradicting, type Ordered } from "./blocks.ts";
import { sortedBy } from "./sorting.ts";

/** The blocks in order, or two that exclude each other. */
export function orderZones(blocks: Blocks): Ordered {
  const { firstEnd, lastCall, firstEndOf, lastCallOf, count } = blocks;
  const keys = new Float64Array(count);
  for (let k = 0; k < count; k++) keys[k] = Math.min(firstEnd[k]!, lastCall[k]!);
  const order = sortedBy(keys, (k) => firstEnd[k]! >= lastCall[k]!);
  let latest = -1;
  for (const block of order) {
    if (latest !== -1 && firstEnd[block]! < lastCall[latest]!) {
      const pair = [firstEndOf[latest]!, lastCallOf[latest]!, firstEndOf[block]!, lastCallOf[block]!];
      return contradicting(
        "zones",
        [...new Set(pair)].filter((i) => i !== -1),
      );
    }
    if (latest === -1 || lastCall[block]! > lastCall[latest]!) latest = block;
  }
  return { ok: true, order };
}
