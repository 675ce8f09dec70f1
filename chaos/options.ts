/** What the command line asks for, checked. */
import { parseArgs } from "node:util";
import { families } from "./nemesis/families.ts";
import type { Family } from "./nemesis/family.ts";

/** The command line cannot be run; the message is for who has typed it. */
export class UsageError extends Error {}

/** One run as it was asked for, every default filled in. */
export type Options = {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  readonly rocksdb: boolean;
  readonly etcd: boolean;
  readonly families: readonly Family[];
  /** Client operations a second, over all clients. */
  readonly rate: number;
  /** Where the page, the history and what belongs to them go. */
  readonly out: string;
  /** The server's main file; null: the one beside this program. */
  readonly server: string | null;
  /** Within which a member serves once all is healed. */
  readonly serveMs: number;
};

/** From the working directory on. */
export const defaultOut = "chaos-report";
const defaultServeMs = 10_000;

/** Printed for --help, and beside what is wrong with a command line. */
export const usage = `npm run chaos -- [--seed N] [--minutes M] [--nodes N] [--rocksdb | --etcd] [--families a,b] [--rate N] [--out DIR]
Runs a real cluster under real faults, and checks every answer. Linux only.
  --seed      the plan of faults and operations; drawn and printed without it
  --minutes   how long faults strike (2)
  --nodes     founders, 3 to 7 (3)
  --rocksdb   rows in RocksDB
  --etcd      the same against etcd on this machine, by its JSON gateway
  --families  only these of ${families.map(({ name }) => name).join(", ")}
  --rate      operations a second (80)
  --out       folder of the page, the history and the logs (${defaultOut})
  --server    another server's main.js
  --serve-ms  within which each member must serve at the end (10000)
Exit status: 0 nothing found, 1 something found, 2 wrong usage or it could not run, 3 the checker could not decide.`;

/** Null: help was asked for. Throws UsageError. */
export function parseOptions(args: readonly string[]): Options | null {
  const values = parse(args);
  if (values.help === true) return null;
  const { seed, minutes = "2", nodes = "3", rate = "80", out = defaultOut, server = null } = values;
  const chosen: Options = {
    seed: seed === undefined ? Math.floor(Math.random() * 1e9) : number("--seed", seed, 0, 1e15, true),
    minutes: number("--minutes", minutes, 0.05, 1440, false),
    nodes: number("--nodes", nodes, 3, 7, true),
    rocksdb: values.rocksdb === true,
    etcd: values.etcd === true,
    families: familiesFrom(values.families, values.etcd === true),
    rate: number("--rate", rate, 1, 2_000, true),
    out,
    server,
    serveMs: number("--serve-ms", values["serve-ms"] ?? `${defaultServeMs}`, 1_000, 600_000, true),
  };
  if (chosen.rocksdb && chosen.etcd) throw new UsageError("--rocksdb and --etcd do not go together");
  return chosen;
}

function familiesFrom(text: string | undefined, isEtcd: boolean): readonly Family[] {
  const able = isEtcd ? families.filter(({ isGeneral }) => isGeneral) : families;
  if (text === undefined) return able;
  const names = able.map(({ name }) => name).join(", ");
  return text.split(",").map((name) => {
    const family = able.find((one) => one.name === name);
    if (family !== undefined) return family;
    throw new UsageError(`--families${isEtcd ? " with --etcd" : ""} takes some of ${names}; not "${name}"`);
  });
}

/** The line that asks for the same run again: every option that is not its default. */
export function lineOf(options: Options): string {
  const { seed, minutes, nodes, rocksdb, etcd, rate, out, server, serveMs } = options;
  const flags = [`--seed ${seed}`, `--minutes ${minutes}`, `--nodes ${nodes}`, `--rate ${rate}`];
  if (rocksdb) flags.push("--rocksdb");
  if (etcd) flags.push("--etcd");
  if (server !== null) flags.push(`--server ${quoted(server)}`);
  if (serveMs !== defaultServeMs) flags.push(`--serve-ms ${serveMs}`);
  if (out !== defaultOut) flags.push(`--out ${quoted(out)}`);
  const names = options.families.map(({ name }) => name).join(",");
  const all = familiesFrom(undefined, etcd).map(({ name }) => name);
  if (names !== all.join(",")) flags.push(`--families ${names}`);
  return `npm run chaos -- ${flags.join(" ")}`;
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function number(flag: string, text: string, least: number, most: number, isInteger: boolean): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!isInteger || Number.isInteger(value))) return value;
  throw new UsageError(
    `${flag} takes ${isInteger ? "an integer" : "a number"} from ${least} to ${most}, not "${text}"`,
  );
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    const options = {
      seed: text,
      minutes: text,
      nodes: text,
      families: text,
      rate: text,
      out: text,
      server: text,
      "serve-ms": text,
      rocksdb: flag,
      etcd: flag,
      help: flag,
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\. To specify|\n/)[0]);
  }
}
