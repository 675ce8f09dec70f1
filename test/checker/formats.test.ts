/** What histories are written in. */
import { readFileSync } from "node:fs";
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import {
  type Format,
  HistoryError,
  HistoryReader,
  parseJsonLines,
  printJsonLines,
} from "../../checker/formats/index.ts";
import { check } from "../../checker/index.ts";
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

test("maps with independent keys and times: each key alone, the nemesis left out, in the order of the log", (t) => {
  const { history, heading, times } = read(sample("independent.edn"));
  t.deepEqual([...new Set(history.map((one) => one.op !== "txn" && one.key))], ["1", "2"]);
  t.is(heading.unit, "event");
  t.is(times.at(1), "10 ns");
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
  ["a type that is none", "{:process 0, :type :maybe, :f :read, :value nil}\n", /line 1: :type must be :invoke/],
  ["a completion of nothing", "{:process 0, :type :ok, :f :read, :value 1}\n", /line 1: process 0 must invoke/],
  [
    "two operations of one process at once",
    "{:process 0, :type :invoke, :f :read, :value nil}\n{:process 0, :type :invoke, :f :read, :value nil}\n",
    /line 2: process 0 must complete what it invoked on line 1/,
  ],
  [
    "an operation that is not known",
    "{:process 0, :type :invoke, :f :jump, :value nil}\n",
    /line 1: :f must be one of .*, not :jump/,
  ],
  ["a map that is cut off", "{:process 0, :type :invoke, :f :rea", /line 1: what begins here is cut off/],
  ["an array of JSON", '[{"client":1}]\n', /^line 1: JSON must be one operation a line, not an array of them$/],
  ["JSON over several lines", '{\n "client": 1}\n', /^line 2: .*JSON must have each object on one line/],
  [
    "a second heading",
    '{"unit":"ms"}\n{"unit":"s"}\n',
    /^line 2: "unit" and "source" must stand once, in the first line$/,
  ],
  ["a line that is whole but wrong, at the end of the file", "{:process 0}", /^line 1: an event must have :type$/],
  [
    "a giant line: its message is short",
    `{"client":1,"op":"${"x".repeat(1_000_000)}\n`,
    /^line 1: it must be a JSON object, and is not JSON$/,
  ],
  [
    "a giant word: its message is short",
    `{:process 0, :type :invoke, :f ${":jump".repeat(100_000)}, :value 1}\n`,
    /^line 1: :f must be one of .{200,300}$/,
  ],
  ["no format at all", "hello\n", /line 1: the first line must be JSON, EDN or of a Jepsen log/],
  ["a unit that is none", '{"unit":"days"}\n', /line 1: "unit" must be ns, us/],
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
    const { times: _times, ...pieces } = read(sample(name), null, piece);
    const { times, ...whole } = read(sample(name), null, 1_000_000);
    t.deepEqual(pieces, whole);
    t.is(times.span(1, 2).length > 0, true);
  }
});

function jsonLines(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

test("times beyond 2^53 are exact: in the order they tell, and as they are said", (t) => {
  const { history, times } = read(
    jsonLines(
      '{"unit":"ns"}',
      '{"client":1,"op":"put","key":"a","value":"1","call":1790000000000000001,"return":1790000000000000501,"outcome":"ok"}',
      '{"client":2,"op":"get","key":"a","value":null,"call":1790000000000000502,"return":1790000000000000503,"outcome":"ok"}',
    ),
  );
  const verdict = check(history, { times });
  t.is(
    verdict.verdict === "illegal" && verdict.sentence,
    "client 2 found key a absent at 1790000000000000503 ns, but 1 had been written by client 1 and acknowledged at 1790000000000000501 ns: stale by at least 1 ns",
  );
});

testProp(
  "integers of any size keep their order and their digits",
  [fc.bigInt({ min: -(1n << 70n), max: 1n << 70n }), fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 9 })],
  (t, base, steps) => {
    let at = base;
    const calls = steps.map((step) => (at += BigInt(step)));
    const { history, times } = read(
      jsonLines(
        ...calls.map(
          (call, k) =>
            `{"client":${base + BigInt(k)},"op":"put","key":"${call}","value":"${call}","call":${call},"return":${call + 1n},"outcome":"ok"}`,
        ),
      ),
    );
    t.deepEqual(
      history.map(({ call }) => times.at(call)),
      calls.map(String),
    );
    t.deepEqual(
      history.map(({ return: end, call }) => end! - call),
      calls.map(() => 1),
    );
    t.deepEqual(
      history.map((one) => one.op !== "txn" && [one.key, one.value]),
      calls.map((call) => [String(call), String(call)]),
    );
    t.is(new Set(history.map(({ client }) => client)).size, calls.length);
  },
);

test("an unknown outcome may have a return time, or none: it may take effect at any time after its call", (t) => {
  const unknown = '{"client":1,"op":"put","key":"a","value":"1","call":1,"outcome":"unknown"';
  for (const end of [',"return":2}', ',"return":null}', "}"]) {
    const { history } = read(
      jsonLines(
        `${unknown}${end}`,
        '{"client":2,"op":"get","key":"a","value":null,"call":3,"return":4,"outcome":"ok"}',
        '{"client":2,"op":"get","key":"a","value":"1","call":5,"return":6,"outcome":"ok"}',
      ),
    );
    t.is(history[0]!.return, null);
    t.is(check(history).verdict, "ok");
  }
});

function revisedPut(client: number, revision: string, call: number, value: string): string {
  return `{"client":${client},"op":"put","key":"a","value":"${value}","call":${call},"return":${call + 5},"outcome":"ok","revision":${revision}}`;
}

test("revisions up to 2^53 are told apart, and larger ones refused", (t) => {
  // What is read at one revision was written at the next.
  const get =
    '{"client":2,"op":"get","key":"a","value":"y","call":0,"return":5,"outcome":"ok","revision":9007199254740989}';
  const early = jsonLines(revisedPut(1, "9007199254740990", 0, "y"), get);
  t.is(check(read(early).history).verdict, "illegal");
  t.is(check(read(early.replace("740989", "740991")).history).verdict, "ok");
  t.throws(() => read(jsonLines(revisedPut(1, "9007199254740993", 0, "x"))), {
    message: /"revision" must be an integer below 2\^53/,
  });
});

for (const [what, text, must] of [
  [
    "an unknown outcome that came before its call",
    '"call":5,"return":4,"outcome":"unknown"',
    /line 1: "return" must not be before "call"/,
  ],
  [
    "a time beyond all measure",
    `"call":${"9".repeat(100_000)},"return":null,"outcome":"unknown"`,
    /^line 1: "call" must be an integer$/,
  ],
  ["a clock that stepped back", '"call":5,"return":4,"outcome":"ok"', /line 1: "return" must not be before "call"/],
  [
    "a large clock that stepped back",
    '"call":1790000000000000002,"return":1790000000000000001,"outcome":"ok"',
    /line 1: "return" must not be before "call"/,
  ],
  [
    "clocks with nothing in common",
    '"call":5,"return":1790000000000000001,"outcome":"ok"',
    /line 1: "return" must be less than 2\^53 from the first call/,
  ],
  [
    "a time with a fraction",
    '"call":1790000000000000001.5,"return":1790000000000000002,"outcome":"ok"',
    /line 1: "call" must be an integer/,
  ],
  [
    "an answer without a time",
    '"call":5,"return":null,"outcome":"ok"',
    /line 1: "return" must be an integer, or null where the outcome is unknown/,
  ],
] as const) {
  test(`a broken operation is an error that says what must be: ${what}`, (t) => {
    t.throws(() => read(`{"client":1,"op":"get","key":"a","value":null,${text}}\n`), {
      instanceOf: HistoryError,
      message: must,
    });
  });
}

test("a byte order mark is no part of the first line", (t) => {
  for (const name of ["knossos.log", "independent.edn", "append.edn", "stale-read.jsonl"])
    t.is(read(`\ufeff${sample(name)}`).history.length, read(sample(name)).history.length);
});

test("compare-and-sets to null, in lines of our own", (t) => {
  const cas = '{"client":1,"op":"cas","key":"a","value":["1",null],"call":3,"return":4,"outcome":"ok"}';
  const put = '{"client":1,"op":"put","key":"a","value":"1","call":1,"return":2,"outcome":"ok"}';
  const get = '{"client":1,"op":"get","key":"a","value":null,"call":5,"return":6,"outcome":"ok"}';
  t.is(check(read(jsonLines(put, cas, get)).history).verdict, "ok");
  t.is(check(read(jsonLines(put, get)).history).verdict, "illegal");
});

test("a clock that passes 2^53 within the file is exact on both sides", (t) => {
  const { history, times } = read(
    jsonLines(
      '{"client":1,"op":"put","key":"a","value":"1","call":9007199254740990,"return":9007199254740993,"outcome":"ok"}',
      '{"client":2,"op":"get","key":"a","value":null,"call":9007199254740994,"return":9007199254740995,"outcome":"ok"}',
    ),
  );
  t.is(check(history).verdict, "illegal");
  t.is(times.at(history[1]!.call), "9007199254740994");
});

test("a line or a form longer than a string can be is an error, not an exception of the engine", (t) => {
  const piece = "x".repeat(2 ** 24);
  for (const begin of ["{:process ", '{"client":"']) {
    const reader = new HistoryReader(null);
    reader.feed(begin);
    const error = t.throws(() => {
      for (let k = 0; k <= 16; k++) reader.feed(piece);
    });
    t.regex(error.message, /^line 1: a line must not be longer than 268435456 characters$/);
  }
});

test("a key may be named as keys that a transaction joins: they are two parts", (t) => {
  const lines = ["a, b", "a", "b"].map(
    (key, k) => `{"client":${k},"op":"put","key":"${key}","value":"${k}","call":1,"return":2,"outcome":"ok"}`,
  );
  const txn = '{"client":9,"op":"txn","value":[["get","a","1"],["get","b","2"]],"call":3,"return":4,"outcome":"ok"}';
  const verdict = check(read(jsonLines(...lines, txn)).history);
  t.deepEqual(verdict.verdict === "ok" && [...verdict.order].map(([name, order]) => [name, order.length]), [
    ["a, b", 1],
    ["{a, b}", 3],
  ]);
});
