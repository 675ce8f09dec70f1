/**
 * The flags: their words, and where each value comes from: the command line, else the environment, else its default. What
 * the values mean together is server/options.ts.
 */
import yargs from "yargs";

/** Bad input of the operator: one line that says what to do, exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Each flag with its default and its words; METASTORE_<NAME> in the environment stands for an absent flag. */
const flags = {
  id: { default: "1", describe: "this node's id: at its first start its 1-based place in --cluster" },
  cluster: { default: "http://127.0.0.1:9021", describe: "comma-separated peer URLs" },
  "peer-url": { default: "", describe: "this node's own peer URL, if --cluster lacks it or it has changed" },
  "listen-peer-url": { default: "", describe: "where to listen for peers, if not at this node's own peer URL" },
  "peer-secret-file": { default: "", describe: "file with a secret that all peers share; others are refused" },
  "snapshot-entries": { default: "10000", describe: "applied entries between two snapshots, at least" },
  port: { default: "9121", describe: "port of the client HTTP API" },
  host: { default: "127.0.0.1", describe: "address that the client HTTP API listens on" },
  "data-dir": { default: ".", describe: "where the node's directories are" },
  "request-timeout-ms": { default: "5000", describe: "how long a request may wait" },
  "election-timeout-ms": { default: "1000", describe: "patience with a silent leader, at least" },
  "heartbeat-ms": { default: "100", describe: "how often a leader is heard of" },
  "value-bytes-max": { default: "1572864", describe: "longest value" },
  "log-level": { default: "info", describe: "info, warn or silent" },
  "log-format": { default: "text", describe: "text or json" },
  "keep-alive-ms": { default: "75000", describe: "how long an idle client connection stays open" },
  "connections-max": { default: "0", describe: "most client connections; 0: by the limit on file descriptors" },
} as const;
/** On alone or with 1, true, yes, on; off with 0, false, no, off. */
const switches = {
  join: "join a running cluster, after POST /{id} at one of its members",
  rocksdb: "keep rows in RocksDB, under data/{id}, so that they may exceed memory",
  "print-config": "print every flag with its value and where that comes from, and exit",
} as const;
/** A flag that takes a value; its name is that of the command line, without the dashes. */
export type Flag = keyof typeof flags;
/** A flag that is on or off. */
export type Switch = keyof typeof switches;

/** What an error calls a flag: by its variable where the environment gives the value, else as on the command line. */
export type FlagNames = Readonly<Record<Flag, string>>;

/** A value and its source as the operator knows it: `--port`, `METASTORE_PORT`, or "the default of --port". */
export type Given = { readonly text: string; readonly source: string };
/** The flags of one start. Every flag has a value: its default where nobody gives one. */
export type Flags = {
  readonly value: (name: Flag) => Given;
  readonly isOn: (name: Switch) => boolean;
  readonly names: FlagNames;
  /** One line a flag: its value, and where that comes from. */
  describe(): string;
};

/** Parses `args`; null where help or the version was asked for and printed. Throws UsageError. */
export function readFlags(args: readonly string[], env: NodeJS.ProcessEnv, version: string): Flags | null {
  const argv = parse(args, version);
  if (argv === null) return null;
  const sourced = (name: Flag | Switch, fallback: string): Given => {
    const given = argv[name];
    if (Array.isArray(given)) throw new UsageError(`--${name} is given twice`);
    if (typeof given === "string") return { text: given, source: `--${name}` };
    // A variable that is set to nothing is how a template leaves a flag out.
    const inherited = env[envName(name)] ?? "";
    if (inherited !== "") return { text: inherited, source: envName(name) };
    return { text: fallback, source: `the default of --${name}` };
  };
  const value = (name: Flag): Given => {
    const given = sourced(name, flags[name].default);
    if (given.text === "" && given.source === `--${name}`) throw new UsageError(`--${name} needs a value`);
    return given;
  };
  const nameOf = (name: Flag): string => (value(name).source === envName(name) ? envName(name) : `--${name}`);
  const state = (name: Switch): Given => {
    const given = sourced(name, "off");
    const isEmpty = args.some((arg, k) => arg === `--${name}=` || (arg === `--${name}` && args[k + 1] === ""));
    if (isEmpty) throw new UsageError(`--${name} is given an empty value: give it alone, or with 1 or 0`);
    return { text: given.text === "" || isSwitchedOn(given) ? "on" : "off", source: given.source };
  };
  return {
    value,
    isOn: (name) => state(name).text === "on",
    names: Object.fromEntries((Object.keys(flags) as Flag[]).map((name) => [name, nameOf(name)])) as FlagNames,
    describe: () =>
      [
        ...(Object.keys(flags) as Flag[]).map((name) => line(name, value(name))),
        ...(Object.keys(switches) as Switch[]).map((name) => line(name, state(name))),
      ].join("\n"),
  };
}

/** The value as an integer in [least, most]. Throws UsageError, which names where it comes from. */
export function integer({ text, source }: Given, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  if (source.startsWith("METASTORE_") && /^(tcp|udp|sctp):\/\//.test(text)) {
    const cause = `${source} is "${text}", as Kubernetes sets it for a Service named metastore`;
    throw new UsageError(`${cause}: set enableServiceLinks to false in the pod, rename the Service, or give the flag`);
  }
  throw new UsageError(`${source} takes an integer from ${least} to ${most}, not "${text}"`);
}

/** The value as one of `choices`. Throws UsageError, which names them. */
export function oneOf<T extends string>({ text, source }: Given, choices: readonly T[]): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`${source} is one of ${choices.join(", ")}, not "${text}"`);
  return choice;
}

function line(name: string, { text, source }: Given): string {
  return `--${name} ${text === "" ? '""' : text}  # ${source}`;
}

function isSwitchedOn({ text, source }: Given): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new UsageError(`${source} is a switch: 1, true, yes, on or 0, false, no, off, not "${text}"`);
}

function envName(name: Flag | Switch): string {
  return `METASTORE_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** All as strings, so that a switch can have a value; a string, or several where a flag is given more than once. */
function parse(args: readonly string[], version: string): Readonly<Record<string, unknown>> | null {
  const asked = args.map((arg) => /^--(help|version)=/.exec(arg)?.[1]).find((name) => name !== undefined);
  if (asked !== undefined) throw new UsageError(`--${asked} takes no value`);
  const parser = yargs([...args])
    .scriptName("metaStore")
    .usage("$0 --id 1 --cluster http://127.0.0.1:12379 --port 12380\n\nA node of a replicated key-value store.")
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-numbers": false,
    })
    // Messages are the project's own, in one language.
    .detectLocale(false)
    .exitProcess(false)
    .strict()
    .version(version)
    .help()
    .fail((message: string, error: Error | undefined) => {
      throw error instanceof UsageError ? error : new UsageError(message);
    });
  for (const [name, { default: fallback, describe }] of Object.entries(flags)) {
    parser.option(name, { type: "string", describe, defaultDescription: fallback });
  }
  for (const [name, describe] of Object.entries(switches)) {
    parser.option(name, { type: "string", describe, defaultDescription: "off" });
  }
  const argv = parser.parseSync() as Record<string, unknown>;
  if (argv["help"] === true || argv["version"] === true) return null;
  const stray = (argv["_"] as string[])[0];
  if (stray !== undefined) throw new UsageError(`unknown argument ${stray}`);
  return argv;
}
