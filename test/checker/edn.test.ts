/** EDN as it is written in histories: which texts are one value, and the same values as another reader finds. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { parseEDNString } from "edn-data";
import { EdnEnd, EdnError, EdnReader } from "../../checker/formats/edn.ts";
import { printEdn } from "../../checker/formats/edn-value.ts";

function canonical(text: string): string {
  const reader = new EdnReader(text);
  const value = reader.read();
  if (!reader.isAtEnd) throw new Error(`something follows at ${reader.at}`);
  return printEdn(value);
}

/** The first of each row is how the value is printed. */
for (const [what, same] of [
  ["integers of any size", ["9007199254740993", "+9007199254740993", "9007199254740993N"]],
  ["zero", ["0", "-0", "0N"]],
  ["doubles", ["1.5", "1.50", "15e-1", "+1.5"]],
  ["doubles without a fraction, which are no integers", ["1.0", "1.00", "1e0", "10.0E-1"]],
  ["decimals", ["100M", "1E2M", "100.0M", "1.00e+2M"]],
  ["decimals with a fraction", ["0.015M", "15E-3M", "0.0150M"]],
  ["ratios", ["1/2", "2/4"]],
  ["ratios that are integers", ["3", "6/2"]],
  ["characters", ["\\A", "\\u0041"]],
  ["characters with a name", ["\\newline", "\\u000a"]],
  ["strings", ['"a\\nA"', '"a\\n\\u0041"', '"a\n\\101"']],
  ["vectors and lists", ["[1 [2 3]]", "(1, (2 3))", "[1 #_0 [2 #_ #_ 7 8 3]]", "[1 ; one\n[2 3]]"]],
  ["sets", ["#{1 2 [3]}", "#{[3] 2, 1}"]],
  ["maps", ["{:a 1, :b 2}", "{:b 2 :a 1}", "{:b 2 #_ #_ :a 0 :a 1}"]],
  ["maps with a namespace", ["{:b 2, :n/a 1}", "#:n{:a 1 :_/b 2}"]],
  ["records and other tagged values", ["#a.B {:x 1, :y 2}", "#a.B{:y 2 :x 1}"]],
] as const) {
  test(`one value, however it is written: ${what}`, (t) => {
    for (const text of same) t.is(canonical(text), same[0], text);
  });
}

test("values that differ are told apart: by kind, by digit, by type", (t) => {
  const texts = [
    "1",
    "1.0",
    "1M",
    '"1"',
    ":1",
    "\\1",
    "[1]",
    "#{1}",
    "{1 1}",
    "#t 1",
    "#u 1",
    "[1 1]",
    "9007199254740992",
    "9007199254740993",
    "-1",
    "nil",
    '"nil"',
    ":nil",
    "[]",
    "#{}",
    "{}",
    '""',
    "true",
    '"true"',
    "[[1] 1]",
    "[1 [1]]",
    "{:x 1}",
    "#a.B{:x 1}",
    '{"x" 1}',
    "##Inf",
    "##-Inf",
    "##NaN",
    "#<Object a>",
    "#<Object b>",
    '[","]',
    '["" ""]',
  ];
  t.is(new Set(texts.map(canonical)).size, texts.length);
});

test("what is no EDN is an error that says what must be", (t) => {
  for (const [text, must] of [
    ["007", /a number must be/],
    ["12x", /a number must be/],
    ["{:a 1 :a 2}", /must not have the key :a twice/],
    ["{:a}", /each key of a map must have a value/],
    ["#{1 1}", /must not have a member twice/],
    ['"\\x"', /an escape must be one of/],
    ["\\foo", /a character must be one/],
    ["##Nil", /must be followed by Inf/],
    ["]", /a value must stand where "\]" is/],
    ["[".repeat(1_000_000), /must not be nested deeper/],
    ["#_ ".repeat(1_000_000), /must not be nested deeper/],
    ["#a ".repeat(1_000_000), /must not be nested deeper/],
    [`${"9".repeat(300_000)}/${"7".repeat(300_000)}`, /a number must be an integer, or a decimal or ratio of at most/],
    [`0x${"f".repeat(300_000)}`, /a number must be/],
    ['{"client": 1}', /a keyword must have a name/],
  ] as const) {
    const error = t.throws(() => canonical(text), { instanceOf: EdnError });
    t.regex(error.message, must);
  }
});

/** A value, and how it may be written: `gap` stands between forms. */
type Written = (gap: () => string, shuffle: <T>(items: readonly T[]) => T[]) => string;

function joined(open: string, items: readonly Written[], close: string, mayMove: boolean): Written {
  return (gap, shuffle) =>
    `${open}${gap()}${(mayMove ? shuffle(items) : items).map((one) => one(gap, shuffle) + gap()).join("")}${close}`;
}

const plain =
  (word: string): Written =>
  () =>
    word;
const name = fc
  .stringMatching(/^[a-z][a-z0-9*!?-]{0,4}(\/[a-z]{1,3})?$/)
  .filter((word) => !/^(nil|true|false)/.test(word));
const atom: fc.Arbitrary<Written> = fc.oneof(
  fc.constantFrom("nil", "true", "false", "\\newline", "\\space", "\\u0041", "\\q").map(plain),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((number): Written => plain(String(number))),
  // The other reader rounds large integers that have no N.
  fc.bigInt().map((number): Written => plain(`${number}N`)),
  fc.integer().map((number): Written => plain(`${number}.5`)),
  name.map(plain),
  name.map((word): Written => plain(`:${word}`)),
  fc.string().map((text): Written => plain(JSON.stringify(text.replaceAll(/[^ -~\n\t]/g, "")))),
);
/** Vectors that differ in their first item: keys of a map, members of a set. */
function distinct(value: fc.Arbitrary<Written>): fc.Arbitrary<Written[]> {
  return fc.array(value, { maxLength: 3 }).map((items) =>
    items.map(
      (item, k): Written =>
        (gap, shuffle) =>
          `[${k} ${item(gap, shuffle)}]`,
    ),
  );
}
const form: fc.Arbitrary<Written> = fc.letrec<{ form: Written }>((tie) => ({
  form: fc.oneof(
    { depthSize: "small" },
    atom,
    fc.array(tie("form"), { maxLength: 4 }).map((items) => joined("[", items, "]", false)),
    fc.array(tie("form"), { maxLength: 4 }).map((items) => joined("(", items, ")", false)),
    distinct(tie("form")).map((items) => joined("#{", items, "}", true)),
    fc.tuple(distinct(atom), tie("form")).map(([keys, value]) =>
      joined(
        "{",
        keys.map(
          (key): Written =>
            (gap, shuffle) =>
              `${key(gap, shuffle)} ${value(gap, shuffle)}`,
        ),
        "}",
        true,
      ),
    ),
    fc.tuple(name, tie("form")).map(
      ([tag, value]): Written =>
        (gap, shuffle) =>
          `#x.${tag} ${value(gap, shuffle)}`,
    ),
  ),
})).form;

/** Blanks, comments and discarded forms, by `choices` in turn. */
function style(choices: readonly number[]): readonly [() => string, <T>(items: readonly T[]) => T[]] {
  let at = 0;
  const next = (): number => choices[at++ % choices.length]!;
  const gaps = [" ", ", ", "\n\t", " #_[1 {:a 2}] ", ' ; no ] value "\n', ' #_ #_ 1 "two" '];
  return [() => gaps[next() % gaps.length]!, (items) => (next() % 2 === 0 ? [...items] : items.toReversed())];
}

type Theirs = {
  readonly key?: string;
  readonly sym?: string;
  readonly char?: string;
  readonly list?: readonly unknown[];
  readonly set?: readonly unknown[];
  readonly map?: readonly (readonly unknown[])[];
  readonly tag?: string;
  readonly val?: unknown;
};

/** A value of the other reader as it would be printed here. */
function printTheirs(value: unknown): string {
  if (value === null) return "nil";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return (value as number).toString();
  const all = (items: readonly unknown[]): string[] => items.map(printTheirs);
  if (Array.isArray(value)) return `[${all(value).join(" ")}]`;
  const { key, sym, char, list, set, map, tag, val } = value as Theirs;
  if (key !== undefined) return `:${key}`;
  if (sym !== undefined) return sym;
  if (char !== undefined) return `\\${{ "\n": "newline", " ": "space" }[char] ?? char}`;
  if (list !== undefined) return `[${all(list).join(" ")}]`;
  if (set !== undefined) return `#{${all(set).toSorted().join(" ")}}`;
  if (map === undefined) return `#${tag} ${printTheirs(val)}`;
  const pairs = map.map((pair) => pair.map(printTheirs).join(" "));
  return `{${pairs.toSorted().join(", ")}}`;
}

const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 7 });

testProp(
  "a value is read as another reader of EDN reads it",
  [form, choices],
  (t, written, chosen) => {
    const text = written(...style(chosen));
    t.is(canonical(text), printTheirs(parseEDNString(text)), text);
  },
  { numRuns: 3_000 },
);

testProp(
  "a value prints the same, whatever blanks, comments and discarded forms stand in it, and in whatever order",
  [form, choices, choices],
  (t, written, one, other) => {
    t.is(canonical(written(...style(one))), canonical(written(...style(other))));
  },
  { numRuns: 1_000 },
);

testProp("a form that is cut short is refused, or another form", [form], (t, written) => {
  const text = written(...style([0]));
  for (let cut = 0; cut < text.length; cut++) {
    try {
      canonical(text.slice(0, cut));
    } catch (error) {
      t.true(error instanceof EdnError, String(error));
      // What begins like a character, a number or a name may be refused as it stands.
      if (/[\])}"\s]$/.test(text.slice(0, cut)))
        t.true(error instanceof EdnEnd, `${text.slice(0, cut)}: ${String(error)}`);
    }
  }
});
