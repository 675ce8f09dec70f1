/** Where the value of a flag comes from, what it may be, and what is said of a wrong one. */
import { readdirSync, rmSync } from "node:fs";
import test from "ava";
import { fc } from "@fast-check/ava";
import { UsageError } from "../../server/flags.ts";
import { parseOptions, type ServerOptions } from "../../server/options.ts";
import { placeProblem } from "../../server/place-problem.ts";
import { parsePeerUrl } from "../../server/peer-url.ts";
import { freshDirectory, runServer } from "../support/processes.ts";

function options(args: readonly string[], env: NodeJS.ProcessEnv = {}): ServerOptions {
  return parseOptions(args, env, "0")!;
}

function complaint(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    parseOptions(args, env, "0");
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "";
}

type Field = { readonly flag: string; readonly key: keyof ServerOptions; readonly good: string; readonly bad: string };
const fields: readonly Field[] = [
  { flag: "id", key: "id", good: "1", bad: "one" },
  { flag: "cluster", key: "cluster", good: "http://127.0.0.1:7000", bad: "http://127.0.0.1" },
  { flag: "listen-peer-url", key: "listenPeerUrl", good: "http://127.0.0.1:7001", bad: "127.0.0.1:7001" },
  { flag: "snapshot-entries", key: "snapshotEntries", good: "77", bad: "0" },
  { flag: "port", key: "port", good: "7001", bad: "65536" },
  { flag: "host", key: "host", good: "127.0.0.2", bad: "127.0.0.1 " },
  { flag: "request-timeout-ms", key: "requestTimeoutMs", good: "70", bad: "-1" },
  { flag: "election-timeout-ms", key: "electionTimeoutMs", good: "700", bad: "1e3" },
  { flag: "heartbeat-ms", key: "heartbeatMs", good: "70", bad: "7.5" },
  { flag: "value-bytes-max", key: "valueBytesMax", good: "7", bad: " 7" },
  { flag: "log-level", key: "logLevel", good: "warn", bad: "loud" },
  { flag: "log-format", key: "logFormat", good: "json", bad: "xml" },
];
const variable = (flag: string): string => `METASTORE_${flag.toUpperCase().replaceAll("-", "_")}`;

test("a value is that of the flag, else of the variable, else the default; an empty variable counts as unset", (t) => {
  const defaults = options([]);
  fc.assert(
    fc.property(
      fc.constantFrom(...fields),
      fc.constantFrom("absent", "separate", "joined"),
      fc.constantFrom("absent", "empty", "good", "bad"),
      ({ flag, key, good, bad }, given, inherited) => {
        const args = given === "absent" ? [] : given === "joined" ? [`--${flag}=${good}`] : [`--${flag}`, good];
        const text = { absent: undefined, empty: "", good, bad }[inherited];
        const env = text === undefined ? {} : { [variable(flag)]: text };
        if (given === "absent" && inherited === "bad") {
          t.true(complaint(args, env).startsWith(variable(flag)), complaint(args, env));
        } else {
          const isSet = given !== "absent" || inherited === "good";
          const expected = isSet ? options([`--${flag}`, good])[key] : defaults[key];
          t.deepEqual(options(args, env)[key], expected);
        }
        t.true(complaint([`--${flag}`, bad], env).startsWith(`--${flag}`), complaint([`--${flag}`, bad], env));
        t.is(complaint([`--${flag}`, good, `--${flag}=${good}`], env), `--${flag} is given twice`);
        t.is(complaint([`--${flag}`], env), `--${flag} needs a value`);
      },
    ),
    { numRuns: 120, seed: 7 },
  );
});

const onWords = ["1", "true", "yes", "on", "YES", "True"];
const offWords = ["0", "false", "no", "off", "Off"];

test("a switch takes 1, true, yes, on and their opposites, given or from the environment, and nothing else", (t) => {
  const word = fc.oneof(fc.constantFrom(...onWords, ...offWords), fc.string({ minLength: 1, maxLength: 6 }));
  const state = (text: string): boolean | null =>
    onWords.includes(text) ? true : offWords.includes(text) ? false : null;
  fc.assert(
    fc.property(fc.constantFrom("join", "rocksdb"), word, fc.boolean(), (flag, text, isGiven) => {
      const isOn =
        state(text) ?? (/^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off)$/i.test(text) ? false : null);
      const args = isGiven ? [`--${flag}=${text}`] : [];
      const env = isGiven ? {} : { [variable(flag)]: text };
      if (isOn === null) {
        const source = isGiven ? `--${flag}` : variable(flag);
        t.is(complaint(args, env), `${source} is a switch: 1, true, yes, on or 0, false, no, off, not "${text}"`);
      } else t.is(options(args, env)[flag], isOn);
    }),
    { numRuns: 200, seed: 7 },
  );
  t.true(options(["--join"]).join);
  t.true(options(["--join", "--port", "1"]).join);
  t.true(options(["--join", "yes"]).join);
  t.false(options(["--join=false"], { METASTORE_JOIN: "1" }).join, "the flag wins");
  t.false(options([], { METASTORE_JOIN: "" }).join);
  const empty = "is given an empty value: give it alone, or with 1 or 0";
  t.is(complaint(["--join="]), `--join ${empty}`);
  t.is(complaint(["--join", ""]), `--join ${empty}`);
  t.is(complaint(["--rocksdb", "", "--join"]), `--rocksdb ${empty}`);
  t.is(complaint(["--join", "--join"]), "--join is given twice");
  t.is(complaint(["--join", "--join=off"]), "--join is given twice");
  t.is(complaint(["--help=1"]), "--help takes no value");
});

test("what is wrong with two values together names where each came from", (t) => {
  const env = { METASTORE_HEARTBEAT_MS: "900" };
  t.is(complaint([], env), "METASTORE_HEARTBEAT_MS 900 is more than half of --election-timeout-ms 1000");
  t.is(
    complaint(["--heartbeat-ms", "900", "--election-timeout-ms", "1000"], env),
    "--heartbeat-ms 900 is more than half of --election-timeout-ms 1000",
  );
});

test("what a start finds wrong names the variable that the value came from", (t) => {
  const { names } = options(["--id", "1"], { METASTORE_ID: "5", METASTORE_PEER_SECRET_FILE: "/f", METASTORE_HOST: "" });
  const asked = [names.id, names["peer-secret-file"], names.host, names["data-dir"]];
  t.deepEqual(asked, ["--id", "METASTORE_PEER_SECRET_FILE", "--host", "--data-dir"]);
  const inherited = options([], { METASTORE_DATA_DIR: "/nonexistent" });
  t.is(placeProblem(inherited), "METASTORE_DATA_DIR: the data directory /nonexistent does not exist");
});

test("a variable that Kubernetes sets for a Service is named, with what to do; a flag overrides it", (t) => {
  const env = { METASTORE_PORT: "tcp://10.96.0.7:9121", METASTORE_PORT_9121_TCP_ADDR: "10.96.0.7" };
  t.regex(
    complaint([], env),
    /^METASTORE_PORT is "tcp:\/\/10\.96\.0\.7:9121", as Kubernetes sets .* enableServiceLinks/,
  );
  t.is(options(["--port", "9121"], env).port, 9121);
});

for (const [text, wrong] of [
  ["http://127.0.0.1:0", /has port 0/],
  ["http://127.0.0.1:00", /has port 0/],
  ["http://127.0.0.1:65536", /is malformed/],
  ["http://a\\b:1", /backslash/],
  ["http://127.0.0.1:1\n2", /white space/],
  ["http://@h:1", /carries a user/],
  ["http://h:1?q", /carries a path/],
] as const) {
  test(`a peer URL is refused: ${JSON.stringify(text)}`, (t) => {
    const url = parsePeerUrl(text);
    t.regex(url.ok ? "" : url.reason, wrong);
    t.regex(complaint([], { METASTORE_CLUSTER: text }), /^METASTORE_CLUSTER: /);
  });
}

test("whatever is written, a peer URL is refused or comes back with one host and one port, and is a fixed point", (t) => {
  const piece = fc.constantFrom(
    "http://",
    "h",
    "127.0.0.1",
    "[::1]",
    ":",
    "80",
    "0",
    "/",
    "\\",
    "@",
    "?",
    "#",
    " ",
    "x",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const url = parsePeerUrl(`http://${pieces.join("")}`);
      if (!url.ok) return;
      t.regex(url.value, /^http:\/\/[^/?#@\\\s]+:[1-9]\d*$/);
      t.deepEqual(parsePeerUrl(url.value), url);
    }),
    { numRuns: 3_000, seed: 7 },
  );
});

test("usage errors are in one language", async (t) => {
  const { stderr } = await runServer(["--prot", "1"], { LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" });
  t.regex(stderr, /^metaStore: Unknown argument: prot/);
});

test("--print-config tells every value and where it comes from, makes nothing, and exits 0", async (t) => {
  const directory = freshDirectory();
  const env = { METASTORE_JOIN: "1", METASTORE_HOST: "" };
  const { code, stdout } = await runServer(["--print-config", "--port=5"], env, directory);
  t.is(code, 0);
  t.regex(stdout, /^--port 5 {2}# --port$/m);
  t.regex(stdout, /^--join on {2}# METASTORE_JOIN$/m);
  t.regex(stdout, /^--host 127\.0\.0\.1 {2}# the default of --host$/m);
  t.deepEqual(readdirSync(directory), []);
  t.is((await runServer(["--print-config", "--port=x"], {}, directory)).code, 2);
  rmSync(directory, { recursive: true });
});
