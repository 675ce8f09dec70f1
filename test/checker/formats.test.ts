/** What histories are written in. */
import { readFileSync } from "node:fs";
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import {
  check,
  type Format,
  HistoryError,
  HistoryReader,
  parseJsonLines,
  printJsonLines,
} from "../../checker/index.ts";
import { EdnReader } from "../../checker/formats/edn.ts";
import { printEdn } from "../../checker/formats/edn-value.ts";
import { bytesMark } from "../../checker/formats/jsonl.ts";

function read(text: string, format: Format | null = null, piece = 7): ReturnType<HistoryReader["end"]> {
  const reader = new HistoryReader(format);
  for (let at = 0; at < text.length; at += piece) reader.feed(text.slice(at, at + piece));
  return reader.end();
}

function sample(name: string): string {
  return readFileSync(`test/checker/testdata/${name}`, "utf8");
}

test("a Jepsen log: what failed did not happen, what has no answer is unknown, and the process goes on as another", (t) => {
  const { history, format } = read(sample("knossos.log"));
  t.is(format, "jepsen");
  t.deepEqual(
    history.map(({ op, value, outcome }) => [op, value, outcome]),
    [
      ["get", "1", "ok"],
      ["put", "1", "ok"],
      ["cas", ["1", "3"], "ok"],
      ["cas", ["1", "4"], "none"],
      ["put", "2", "unknown"],
      ["get", "3", "ok"],
    ],
  );
  t.is(check(history).verdict, "ok");
});

test("maps with independent keys and times: each key alone, the nemesis left out, and the sentence in seconds", (t) => {
  const { history, heading } = read(sample("independent.edn"));
  t.deepEqual([...new Set(history.map((one) => one.op !== "txn" && one.key))], ["1", "2"]);
  t.is(heading.unit, "ns");
  t.like(check(history), { verdict: "illegal", key: "1" });
});

test("Porcupine's key-value files, with appends: an absent key reads as the empty string", (t) => {
  const { history, format } = read(sample("append.edn"));
  t.is(format, "porcupine");
  t.is(check(history).verdict, "ok");
  const wrong = sample("append.edn").replace('"x 1 yx \\"2\\" y"', '"x 1 y"');
  t.is(check(read(wrong).history).verdict, "illegal");
});

for (const [what, text, expected] of [
  ["JSON that is none", '{"client":1', /line 1: .*cut off.*not JSON/],
  ["a type that is none", "{:process 0, :type :maybe, :f :read, :value nil}\n", /line 1: the type is :invoke/],
  ["a completion of nothing", "{:process 0, :type :ok, :f :read, :value 1}\n", /line 1: process 0 completes/],
  [
    "two operations of one process at once",
    "{:process 0, :type :invoke, :f :read, :value nil}\n{:process 0, :type :invoke, :f :read, :value nil}\n",
    /line 2: process 0 has an operation that did not complete/,
  ],
  [
    "an operation that is not known",
    "{:process 0, :type :invoke, :f :jump, :value nil}\n",
    /line 1: the operation :jump/,
  ],
  ["a map that is cut off", "{:process 0, :type :invoke, :f :rea", /line 1: the last line is cut off/],
  ["no format at all", "hello\n", /line 1: the format is not known: name one with --format/],
  ["a unit that is none", '{"unit":"days"}\n', /line 1: "unit" is ns, us/],
  [
    "a step that is none",
    '{"client":1,"op":"txn","value":[["get","a"]],"call":1,"return":2,"outcome":"ok"}\n',
    /line 1: the "value" of a txn/,
  ],
] as const) {
  test(`a broken line is an error that says what was expected: ${what}`, (t) => {
    t.throws(() => read(text), { instanceOf: HistoryError, message: expected });
  });
}

test("bytes that are no text survive, and are told apart from text", (t) => {
  const line =
    '{"client":1,"op":"put","key":{"base64":"/w=="},"value":{"base64":"wyg="},"call":1,"return":2,"outcome":"ok"}\n';
  const [operation] = parseJsonLines(line);
  t.like(operation, { key: `${bytesMark}/w==`, value: `${bytesMark}wyg=` });
  t.is(printJsonLines([operation!]), line);
});

testProp("however the text is cut into pieces, it reads the same", [fc.integer({ min: 1, max: 200 })], (t, piece) => {
  for (const name of ["knossos.log", "independent.edn", "append.edn", "stale-read.jsonl"]) {
    t.deepEqual(read(sample(name), null, piece), read(sample(name), null, 1_000_000));
  }
});

const edn: fc.Arbitrary<string> = fc.letrec<{ form: string }>((tie) => ({
  form: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("nil", "true", ":key", "symbol", "12", "-3", "1.5", "4N"),
    fc.string().map((text) => JSON.stringify(text.replaceAll(/[^ -~]/g, ""))),
    fc.array(tie("form"), { maxLength: 3 }).map((items) => `[${items.join(" ")}]`),
    fc.array(tie("form"), { maxLength: 2 }).map((items) => `{:a ${items.length} :b (${items.join(", ")})}`),
    fc.array(tie("form"), { maxLength: 2 }).map((items) => `#{${items.join(" ")}}`),
  ),
})).form;

testProp("an EDN form is read to its end, and cut short it is refused or another form", [edn], (t, text) => {
  const reader = new EdnReader(`  ${text} ; a comment`);
  const value = reader.read();
  t.true(reader.isAtEnd);
  t.is(typeof printEdn(value), "string");
  for (let cut = 0; cut < text.length; cut++) {
    try {
      new EdnReader(text.slice(0, cut)).read();
    } catch (error) {
      t.is((error as Error).constructor.name, "EdnError");
    }
  }
});
