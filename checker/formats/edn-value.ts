/**
 * Values of EDN (extensible data notation). Numbers, keywords, symbols and characters are kept as their canonical text, so
 * that integers of any size are exact; equal values, as Clojure compares them, print as equal texts, and others never do.
 */

/** Text in JavaScript's sense is `EdnText`; a plain string is an atom: "12", "1.5", ":key", "symbol", "\\a". */
export type Edn = null | boolean | string | EdnText | readonly Edn[] | EdnMap | EdnSet | EdnTagged;
/** What stands between quotation marks in EDN, without its escapes. */
export type EdnText = { readonly text: string };
/** By the canonical text of the key. */
export type EdnMap = { readonly pairs: ReadonlyMap<string, Edn> };
/** Canonical texts, in order. */
export type EdnSet = { readonly members: readonly string[] };
/** A tagged literal, such as a record: what the tag means is not known here. */
export type EdnTagged = { readonly tag: string; readonly value: Edn };

/** Equal texts exactly for equal values. Vectors and lists are equal; the number 7, the text "7" and the character \7 are not. */
export function printEdn(value: Edn): string {
  if (value === null) return "nil";
  if (typeof value !== "object") return String(value);
  if ("text" in value) return JSON.stringify(value.text);
  if ("pairs" in value) {
    const pairs = [...value.pairs].map(([key, one]) => `${key} ${printEdn(one)}`);
    return `{${pairs.toSorted().join(", ")}}`;
  }
  if ("members" in value) return `#{${value.members.join(" ")}}`;
  if ("tag" in value) return `#${value.tag} ${printEdn(value.value)}`;
  return `[${value.map(printEdn).join(" ")}]`;
}

/** The integer that `value` is, exactly: as a number where that holds it; null: it is none of up to 40 digits. */
export function integerOf(value: Edn): number | bigint | null {
  if (typeof value !== "string" || !/^-?\d{1,40}$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}

/** Of what is calculated with: more digits only take time. Integers are kept as they are, and may have any number. */
const digitsMax = 1_000;

/** The canonical text of the number that `word` is, or null where it is none. */
export function canonicalNumber(word: string): string | null {
  if (/^[1-9]\d*$/.test(word)) return word;
  const integer = /^([+-]?)(0|[1-9]\d*)N?$/.exec(word);
  if (integer !== null) return integer[1] === "-" && integer[2] !== "0" ? `-${integer[2]}` : integer[2]!;
  if (word.length > digitsMax) return null;
  if (/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(word)) return /^[+-]?0\d/.test(word) ? null : double(Number(word));
  const decimal = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?M$/.exec(word);
  if (decimal !== null) {
    const [, sign, whole, fraction = "", exponent = "0"] = decimal;
    return bigDecimal(sign === "-", whole! + fraction, BigInt(exponent) - BigInt(fraction.length));
  }
  const ratio = /^([+-]?\d+)\/(\d+)$/.exec(word);
  if (ratio !== null) return lowestTerms(BigInt(ratio[1]!), BigInt(ratio[2]!));
  const hexadecimal = /^([+-]?)(0[xX][\da-fA-F]+)N?$/.exec(word);
  if (hexadecimal !== null) return String(BigInt(hexadecimal[2]!) * (hexadecimal[1] === "-" ? -1n : 1n));
  return null;
}

/** A double is no integer: 1.0 is not 1. */
function double(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? "##-Inf" : "##Inf";
  const text = String(value === 0 ? 0 : value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** `digits` times ten to the power of `exponent`: 1.50M is 1.5M, and 1E2M is 100M. */
function bigDecimal(isNegative: boolean, digits: string, exponent: bigint): string {
  const kept = digits.replace(/^0+/, "").replace(/0+$/, "");
  if (kept === "") return "0M";
  const power = exponent + BigInt(digits.length - digits.replace(/0+$/, "").length);
  const sign = isNegative ? "-" : "";
  const point = BigInt(kept.length) + power;
  if (power >= 0n && power < 20n) return `${sign}${kept}${"0".repeat(Number(power))}M`;
  if (power < 0n && power > -20n) {
    const all = kept.padStart(kept.length + Math.max(0, 1 - Number(point)), "0");
    return `${sign}${all.slice(0, all.length + Number(power))}.${all.slice(all.length + Number(power))}M`;
  }
  return `${sign}${kept}E${power}M`;
}

function lowestTerms(above: bigint, below: bigint): string | null {
  if (below === 0n) return null;
  let [a, b] = [above < 0n ? -above : above, below];
  while (b !== 0n) [a, b] = [b, a % b];
  return below === a ? String(above / a) : `${above / a}/${below / a}`;
}
