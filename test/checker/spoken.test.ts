/** How text of a history is said: on one line, not too long, and so that different ones differ. */
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { bytesMark } from "../../checker/formats/jsonl.ts";
import { spoken, spokenValue } from "../../checker/spoken.ts";

test("values as they are said", (t) => {
  for (const [value, said] of [
    [null, "nothing"],
    ["", '""'],
    ["v1", "v1"],
    ["é💥", "é💥"],
    ["a\nb\r\t", "a\\nb\\r\\t"],
    ["\u001b[31mred\u202e", "\\u001b[31mred\\u202e"],
    ["\ud800", "\\ud800"],
    [`${bytesMark}/w==`, "base64:/w=="],
    [`${"x".repeat(50)}y`, `${"x".repeat(26)}…${"x".repeat(12)}y`],
  ] as const)
    t.is(spokenValue(value), said);
});

testProp(
  "whatever the text is, nothing of it moves a terminal's cursor or is half a character",
  [fc.string({ unit: "binary", maxLength: 100 })],
  (t, text) => {
    const said = spoken(text, 30);
    t.notRegex(said, /[\p{Cc}\p{Cs}]/u);
    t.true(said.length <= 30 * 6);
  },
);
