/** Failures of one kind: what one bug gives in many runs. */

/** A failure as a run ends in it. */
export type Failure = { readonly seed: number; readonly property: string; readonly message: string };
/** Its first failure's words, the first seeds, and how many there were. */
export type Kind = {
  readonly property: string;
  readonly message: string;
  readonly seeds: number[];
  count: number;
};

const seedsKept = 20;

/**
 * The name of a failure's kind, the same for all failures of one bug: the law and its message, without numbers, values
 * and the lengths of lists. The nodes' states at the end are no part of it, nor the requests that were open.
 */
export function kindOf({ property, message }: Pick<Failure, "property" | "message">): string {
  const plain = message
    .replace(/: n\d+ \((core|frozen)\b[^]*$/, "")
    .replace(/^(what was asked has not ended): [^]*$/, "$1")
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '"#"')
    .replaceAll(/\bc\d+\.\d+\.x*/g, "#")
    .replaceAll(/\b(?=[a-f]*\d)[0-9a-f]{8,}\b/g, "#")
    .replaceAll(/\b__proto__|\bconstructor\b/g, "k")
    .replaceAll(/\d+(?:\.\d+)?/g, "#")
    .replaceAll(/(\bn#|#)(?:(?:, ?|; | and )n?#)+/g, "$1");
  return `${property} ${plain}`;
}

/** Puts the failure to those of its kind in `kinds`; returns the kind, and whether it is the first of it. */
export function addTo(kinds: Kind[], failure: Failure): { readonly kind: Kind; readonly isNew: boolean } {
  const wanted = kindOf(failure);
  const known = kinds.find((one) => kindOf(one) === wanted);
  const { property, message, seed } = failure;
  const kind = known ?? { property, message, seeds: [], count: 0 };
  if (known === undefined) kinds.push(kind);
  kind.count += 1;
  if (kind.seeds.length < seedsKept) kind.seeds.push(seed);
  return { kind, isNew: known === undefined };
}

/** "12 times, seeds 3, 5, 7, ...". */
export function countOf({ seeds, count }: Kind): string {
  const known = seeds.toSorted((a, b) => a - b).join(", ");
  if (count === 1) return `once, seed ${known}`;
  return `${count} times, seeds ${known}${count > seeds.length ? ", ..." : ""}`;
}
