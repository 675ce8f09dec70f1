/** Text of a history as people read it: on one line, and not longer than they want to read. */

/** What a terminal obeys, or nobody sees: control characters, marks of direction, halves of characters. */
const unseen = /[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\uffff]/gu;
const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character: string): string {
  return named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** At most `lettersMax` characters before those that are unseen are escaped; a longer text keeps its two ends. */
export function spoken(all: string, lettersMax = 40): string {
  // Bytes that are no text stand behind U+FFFF, as base64.
  const text = all.startsWith("\uffff") ? all.slice(1) : all;
  if (text.length <= lettersMax) return text.replace(unseen, escaped);
  const tail = Math.floor(lettersMax / 3);
  // Not half a character.
  const begin = text.slice(0, lettersMax - tail - 1).replace(/[\ud800-\udbff]$/, "");
  const end = text.slice(text.length - tail).replace(/^[\udc00-\udfff]/, "");
  return `${begin}…${end}`.replace(unseen, escaped);
}

/** A value of a key, or its absence. */
export function spokenValue(value: string | null): string {
  if (value === null) return "nothing";
  return value === "" ? '""' : spoken(value);
}
