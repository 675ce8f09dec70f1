/** Data as text: equal texts exactly for equal data. */

/**
 * The text of `value`: null, booleans, numbers, bigints, strings, undefined, and arrays, plain objects, Maps and Sets of
 * such. The order of the keys of an object or Map and of the members of a Set does not count. Null: it is something else,
 * whose text would not tell all of it.
 */
export function dataText(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      return value === null ? "null" : objectText(value);
    default:
      return null;
  }
}

function objectText(value: object): string | null {
  if (Array.isArray(value)) return wrapped("[", value.map(dataText), "]");
  if (value instanceof Map) return unordered("Map{", [...value].map(pairText));
  if (value instanceof Set) return unordered("Set{", [...value].map(dataText));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return null;
  return unordered("{", Object.entries(value).map(pairText));
}

function pairText([key, value]: readonly [unknown, unknown]): string | null {
  const [left, right] = [dataText(key), dataText(value)];
  return left === null || right === null ? null : `${left}:${right}`;
}

function unordered(begin: string, parts: readonly (string | null)[]): string | null {
  const order = parts.toSorted((a, b) => ((a ?? "") < (b ?? "") ? -1 : 1));
  return wrapped(begin, order, "}");
}

function wrapped(begin: string, parts: readonly (string | null)[], end: string): string | null {
  return parts.includes(null) ? null : `${begin}${parts.join(",")}${end}`;
}
