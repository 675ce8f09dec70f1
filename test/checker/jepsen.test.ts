/** Histories as Jepsen and Knossos have written them since 2014. */
import { readFileSync } from "node:fs";
import { fc, testProp } from "@fast-check/ava";
import test from "ava";
import { HistoryError, type HistoryFile, HistoryReader } from "../../checker/formats/index.ts";
import { check } from "../../checker/index.ts";

function read(text: string, piece = 1_000): HistoryFile {
  const reader = new HistoryReader(null);
  for (let at = 0; at < text.length; at += piece) reader.feed(text.slice(at, at + piece));
  return reader.end();
}

/** The verdict, and the sentence where there is one. */
function judge(text: string): string {
  const { history, times } = read(text);
  const verdict = check(history, { times });
  return verdict.verdict === "illegal" ? `illegal: ${verdict.sentence}` : verdict.verdict;
}

/** Each event a line: `0 invoke write 7`, then what else the map has. */
function edn(...events: readonly string[]): string {
  return events
    .map((event) => {
      const [, process, type, f, value, rest] = /^(\S+) (\w+) (\w+) (\S+|\[.*?\]|#\{.*?\}|".*?")( :.*)?$/.exec(event)!;
      return `{:process ${process}, :type :${type}, :f :${f}, :value ${value}${rest ?? ""}}\n`;
    })
    .join("");
}

const events = [
  ["0", ":invoke", ":write", "4"],
  ["0", ":ok", ":write", "4"],
  ["1", ":invoke", ":cas", "[4 5]"],
  [":nemesis", ":info", ":start", "nil"],
  ["1", ":info", ":cas", "[4 5]", ":timed-out"],
  ["2", ":invoke", ":read", "nil"],
  ["2", ":ok", ":read", "5"],
  ["2", ":invoke", ":write", "9"],
  ["2", ":fail", ":write", "9", '[11 "not a leader'],
] as const;
const asMaps = events.map(
  ([process, type, f, value], k) => `{:process ${process}, :type ${type}, :f ${f}, :value ${value}, :index ${k}}`,
);
const tabbed = events.map((event) => event.join("\t"));

const otherLines =
  "INFO  jepsen.core - Worker 0 starting\n\njava.net.SocketTimeoutException: null\n\tat java.net.Socket\n";

for (const [what, text] of [
  ["a map a line", asMaps.join("\n")],
  ["records a line", asMaps.map((map) => `#jepsen.history.Op${map}`).join("\n")],
  ["one vector over several lines", `; of Knossos\n[${asMaps.join("\n ")}]\n`],
  ["one list in one line", `(${asMaps.join(" ")})`],
  ["maps over several lines each", asMaps.map((map) => map.replaceAll(", ", ",\n ")).join("\n")],
  ["history.txt", tabbed.join("\n")],
  ["a log of 2014", otherLines + tabbed.map((line) => `INFO  jepsen.util - ${line}\n`).join("")],
  [
    "a log of 2016",
    otherLines +
      tabbed
        .map((line, k) => `2016-04-14 10:55:46,12${k}{GMT}\tINFO\t[jepsen worker 3] jepsen.util: ${line}\n`)
        .join(""),
  ],
  [
    "a log of 2018, its tabs lost",
    otherLines +
      tabbed
        .map(
          (line, k) =>
            `2018-06-07 20:12:08,73${k}{GMT}  INFO  [jepsen worker 5] jepsen.util: ${line.replaceAll("\t", "  ")}\n`,
        )
        .join(""),
  ],
  [
    "a log of 2019",
    otherLines +
      tabbed.map((line, k) => `INFO [2019-04-01 11:25:23,79${k}] jepsen worker 1 - jepsen.util ${line}\n`).join(""),
  ],
] as const) {
  test(`the same history, as ${what}`, (t) => {
    const { history, format, otherLines: passed } = read(text, 13);
    t.is(format, "jepsen");
    t.deepEqual(
      history.map(({ client, op, value, call, return: end, outcome }) => [client, op, value, call, end, outcome]),
      [
        [0, "put", "4", 1, 2, "ok"],
        [1, "cas", ["4", "5"], 3, null, "unknown"],
        [2, "get", "5", 5, 6, "ok"],
        [2, "put", "9", 7, 8, "none"],
      ],
    );
    t.is(passed, text.startsWith(otherLines) ? 3 : 0);
    t.is(check(history).verdict, "ok");
  });
}

for (const [what, text, expected] of [
  [
    "an integer that was not written, next to one that was, beyond 2^53",
    edn(
      "0 invoke write 9007199254740993",
      "0 ok write 9007199254740993",
      "1 invoke read nil",
      "1 ok read 9007199254740992",
    ),
    /^illegal: client 1 read 9007199254740992 .* nobody had written 9007199254740992$/,
  ],
  [
    "keys beyond 2^53 are two, not one",
    edn(
      "0 invoke write [9007199254740993 1]",
      "0 ok write [9007199254740993 1]",
      "1 invoke read [9007199254740992 nil]",
      "1 ok read [9007199254740992 nil]",
    ),
    /^ok$/,
  ],
  [
    "a string is no number",
    edn('0 invoke write "7"', '0 ok write "7"', "1 invoke read nil", "1 ok read 7"),
    /^illegal: client 1 read 7 /,
  ],
  [
    "a set is a value, and has no order",
    edn("0 invoke write #{1 2}", "0 ok write #{1 2}", "0 invoke read nil", "0 ok read #{2 1}"),
    /^ok$/,
  ],
  [
    "a vector of two is a value where a read is called without a key",
    edn(
      "0 invoke write [1 2]",
      "0 ok write [1 2]",
      "0 invoke write [3 4]",
      "0 ok write [3 4]",
      "0 invoke read nil",
      "0 ok read [1 2]",
    ),
    /^illegal: client 0 read \[1 2\] of key register /,
  ],
  [
    "a compare-and-set to nil",
    edn(
      "0 invoke write 1",
      "0 ok write 1",
      "0 invoke cas [1 nil]",
      "0 ok cas [1 nil]",
      "0 invoke read nil",
      "0 ok read nil",
    ),
    /^ok$/,
  ],
  [
    "a compare-and-set to nil that nobody sees",
    edn(
      "0 invoke write 1",
      "0 ok write 1",
      "0 invoke cas [1 nil]",
      "0 ok cas [1 nil]",
      "0 invoke read nil",
      "0 ok read 1",
    ),
    /^illegal: /,
  ],
  [
    "a write of nil",
    edn(
      "0 invoke write 1",
      "0 ok write 1",
      "0 invoke write nil",
      "0 ok write nil",
      "0 invoke read nil",
      "0 ok read nil",
    ),
    /^ok$/,
  ],
  [
    "the order of the log, where the clock stepped back",
    edn(
      "0 invoke write 1 :time 100",
      "1 invoke read nil :time 110",
      "0 ok write 1 :time 60",
      "1 ok read nil :time 120",
    ),
    /^ok$/,
  ],
  [
    "the order of the log, where the clock stood still",
    edn("0 invoke write 1 :time 5", "0 ok write 1 :time 5", "1 invoke read nil :time 5", "1 ok read nil :time 5"),
    /^illegal: client 1 found key register absent at 5 ns, .* acknowledged at 5 ns: stale by at least 0 ns$/,
  ],
  [
    "times beyond 2^53 to the last digit",
    edn(
      "0 invoke write 1 :time 1790000000000000001",
      "0 ok write 1 :time 1790000000000000002",
      "0 invoke read nil :time 1790000000001500003",
      "0 ok read nil :time 1790000000001500004",
    ),
    /absent at 1790000000001500004 ns, .* acknowledged at 1790000000000000002 ns: stale by at least 1500001 ns \(1\.5 ms\)$/,
  ],
  [
    "a span over which the clock stepped back is told in events",
    edn("0 invoke write 1 :time 10", "0 ok write 1 :time 20", "0 invoke read nil :time 12", "0 ok read nil :time 13"),
    /stale by at least 1 event$/,
  ],
  [
    "a read of a write that is recorded as failed",
    edn(
      "0 invoke write 1",
      "0 ok write 1",
      "1 invoke write 638",
      "1 fail write 638 :error :timeout",
      "2 invoke read nil",
      "2 ok read 638",
    ),
    /^illegal: client 2 read 638 of key register at event 6, but the only write of 638, client 1's put of 638, called at event 3, is recorded as failed$/,
  ],
  [
    "a lock that two hold",
    edn("0 invoke acquire nil", "0 ok acquire nil", "1 invoke acquire nil", "1 ok acquire nil"),
    /^illegal: /,
  ],
  [
    "a lock that one after the other holds",
    edn(
      "0 invoke acquire nil",
      "0 ok acquire nil",
      "0 invoke release nil",
      "1 invoke acquire nil",
      "1 ok acquire nil",
      "0 ok release nil",
    ),
    /^ok$/,
  ],
  [
    "transactions",
    edn(
      "0 invoke txn [[:w :x 1] [:w :y 1]]",
      "0 ok txn [[:w :x 1] [:w :y 1]]",
      "1 invoke txn [[:r :x nil] [:r :y nil]]",
      "1 ok txn [[:r :x 1] [:r :y nil]]",
    ),
    /^illegal: client 1's transaction/,
  ],
  [
    "a completion that leaves the value out",
    edn("0 invoke write 1", "0 ok write nil", "0 invoke read nil", "0 ok read 1"),
    /^ok$/,
  ],
] as const) {
  test(`the verdict is right: ${what}`, (t) => {
    t.regex(judge(text), expected);
  });
}

for (const [what, text, must] of [
  ...["nil", '"0"', "-1", "1.0", "[1]"].map(
    (process) =>
      [
        `a process that is neither an integer nor a name: ${process}`,
        edn(`${process} invoke write 1`),
        /^line 1: :process must be an integer from 0, or a name as :nemesis, not /,
      ] as const,
  ),
  ["an index that stands still", edn("0 invoke write 1 :index 5", "0 ok write 1 :index 5"), /^line 2: :index must be/],
  [
    "an index beyond all measure",
    edn(`0 invoke write 1 :index ${"9".repeat(100_000)}`),
    /^line 1: :index must be an integer of at most 40 digits$/,
  ],
  ["an index that falls", edn("0 invoke write 1 :index 5", "0 ok write 1 :index 5"), /^line 2: :index must be above 5/],
  ["a time that is no integer", edn("0 invoke write 1 :time 1.5"), /^line 1: :time must be an integer/],
  [
    "a completion of another operation",
    edn("0 invoke write 1", "0 ok read 1"),
    /^line 2: process 0 must complete the put of key register that it invoked on line 1, not a get/,
  ],
  [
    "a value without its key",
    edn("0 invoke read [1 nil]", "0 ok read [1 nil]", "0 invoke write 5"),
    /^line 3: the value must be \[key value\], as before/,
  ],
  [
    "a map that never ends",
    `${edn("0 invoke write 1")}{:process 0, :type :ok,\n:f :write,\n`,
    /^line 2: what begins here is cut off/,
  ],
  ["a vector that never ends", `[${edn("0 invoke write 1")}`, /^line 2: the history is cut off: "\]" must follow/],
  ["what follows the vector", `[${edn("0 invoke write 1")}]\n${edn("0 ok write 1")}`, /^line 3: nothing must follow/],
  [
    "a mistake in a later line of a map",
    `${edn("0 invoke write 1")}{:process 0,\n :type :ok,\n :f "\\q"}\n`,
    /^line 4: an escape must be/,
  ],
  ["a cas of three", edn("0 invoke cas [1 2 3]"), /^line 1: the value of :cas must be \[expected new\]/],
  ["an append to a list", edn("0 invoke txn [[:append :x 1]]"), /^line 1: the value of :txn must be/],
  [
    "an event of a log that is cut off",
    "INFO  jepsen.util - 3\t:invoke\t:read\tnil\nINFO  jepsen.util - 3\t:o",
    /^line 2: the last line is cut off/,
  ],
  ["a log without one event", otherLines, /^line 1: the first line must be JSON, EDN or of a Jepsen log/],
  [
    "a key that is no string, in Porcupine's format",
    '{:process 0, :type :invoke, :f :get, :key "0", :value nil}\n{:process 1, :type :invoke, :f :get, :key 0, :value nil}\n',
    /^line 2: :key must be a string, as before \(or name --format jepsen\), not 0/,
  ],
  [
    "a value that is no string, in Porcupine's format",
    '{:process 0, :type :invoke, :f :get, :key "0", :value nil}\n{:process 1, :type :invoke, :f :put, :key "0", :value 0}\n',
    /^line 2: a value must be a string/,
  ],
] as const) {
  test(`an error says where, and what must be: ${what}`, (t) => {
    const error = t.throws(() => read(text), { instanceOf: HistoryError });
    t.regex(error.message, must);
  });
}

test("values of several kinds under :key are told apart", (t) => {
  const text =
    '{:process 0, :type :invoke, :f :put, :key "a", :value 1}\n{:process 0, :type :ok, :f :put, :key "a", :value 1}\n{:process 0, :type :invoke, :f :get, :key "a", :value nil}\n{:process 0, :type :ok, :f :get, :key "a", :value "1"}\n';
  t.regex(judge(text), /^illegal: client 0 read "1" of key "a"/);
});

test("a map that is never closed is found out in time that grows with the length of the file", (t) => {
  // Read again at each line, this would take hours.
  const lines = Array.from({ length: 100_000 }, (_, k) => `{:process ${k}, :type :invoke, :f :read, :value nil}`);
  const error = t.throws(() => read(`[{:process 0\n${lines.join("\n")}`, 100_000), { instanceOf: HistoryError });
  t.regex(error.message, /^line 1: what begins here is cut off/);
});

test("a log is read in time that grows with its length, whatever stands in its lines", (t) => {
  for (const text of [
    `INFO jepsen.util${" ".repeat(200_000)}x`,
    `INFO x${" -".repeat(100_000)} x`,
    `INFO x - "${'" - "'.repeat(50_000)}`,
    `0 ${":x ".repeat(50_000)}`,
  ]) {
    const started = process.cpuUsage();
    t.is(read(`0\t:invoke\t:write\t1\n${text}\n0\t:ok\t:write\t1\n`, 1_000_000).history.length, 1);
    const { user } = process.cpuUsage(started);
    t.true(user < 2_000_000, `${user} us`);
  }
});

const sample = readFileSync("test/checker/testdata/independent.edn", "utf8");

function withoutTimes(text: string): readonly unknown[] {
  const { history } = read(text);
  return [history, check(history).verdict];
}

testProp(
  "an operation before and after, in any process, is judged by the order of the log, whatever the times are",
  [fc.array(fc.bigInt({ min: 0n, max: 1n << 63n }), { minLength: 40, maxLength: 40 })],
  (t, times) => {
    let at = 0;
    const moved = sample.replaceAll(/:time \d+/g, () => `:time ${times[at++ % times.length]}`);
    t.deepEqual(withoutTimes(moved), withoutTimes(sample));
  },
);
