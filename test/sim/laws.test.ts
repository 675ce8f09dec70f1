/** Each law is checked in one place, and said in one: the table in sim/safety/laws.ts, from which SIMULATION.md has its own. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { laws, type LawEntry } from "../../sim/safety/laws.ts";
import * as answers from "../../sim/safety/laws/answers.ts";
import * as commit from "../../sim/safety/laws/commit.ts";
import * as election from "../../sim/safety/laws/election.ts";
import * as limits from "../../sim/safety/laws/limits.ts";
import * as membership from "../../sim/safety/laws/membership.ts";
import * as reads from "../../sim/safety/laws/reads.ts";
import * as replication from "../../sim/safety/laws/replication.ts";
import * as state from "../../sim/safety/laws/state.ts";
import * as storage from "../../sim/safety/laws/storage.ts";
import * as strangers from "../../sim/safety/laws/strangers.ts";

const families: Readonly<Record<string, object>> = {
  answers,
  commit,
  election,
  limits,
  membership,
  reads,
  replication,
  state,
  storage,
  strangers,
};
const entries = Object.entries(laws);

/** The names of a family's functions that throw where a law is broken. */
function checksIn(family: string): string[] {
  return Object.keys(families[family] ?? {}).filter((name) => name.includes("Must"));
}

test("every file of laws is one family, and each of its functions stands at one law of that family", (t) => {
  const files = readdirSync("sim/safety/laws").map((name) => name.replace(/\.ts$/, ""));
  t.deepEqual(files.toSorted(), Object.keys(families).toSorted());
  for (const family of files) {
    const listed = entries.flatMap(([, law]) => (law.family === family ? law.checks : []));
    t.deepEqual(listed.map(({ name }) => name).toSorted(), checksIn(family).toSorted(), family);
  }
});

test("each function throws for the law at which it stands, and for no other", (t) => {
  for (const [id, { checks }] of entries) {
    for (const check of checks) {
      const named = [...check.toString().matchAll(/"(I\d+|linearizability)"/g)].map(([, name]) => name);
      const own = named[0] === "linearizability" ? "I16" : named[0];
      t.true(named.length > 0 && own === id && new Set(named).size === 1, `${id}: ${check.name}`);
    }
  }
});

test("a law is judged in no other file", (t) => {
  const sources = readdirSync("sim", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const judges = sources.filter((name) => /\bmust\(|new Violation\(/.test(readFileSync(join("sim", name), "utf8")));
  const elsewhere = judges.filter((name) => !name.startsWith("safety/laws/"));
  t.deepEqual(elsewhere, ["violation.ts"]);
});

const begin = "<!-- laws -->\n\n";
const end = "\n<!-- /laws -->";

/** The table as SIMULATION.md has it. */
function tableOf(all: readonly (readonly [string, LawEntry])[]): string {
  const rows = [["law", "name", "family", "what it says"]];
  for (const [id, { name, family, sentence }] of all) rows.push([id, name, family, sentence]);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  rows.splice(
    1,
    0,
    widths.map((width) => "-".repeat(width)),
  );
  const lineOf = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |\n`;
  return rows.map(lineOf).join("");
}

test("SIMULATION.md has the table of laws; UPDATE=1 writes it anew", (t) => {
  const page = readFileSync("SIMULATION.md", "utf8");
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  t.true(from >= begin.length && to > from);
  const table = tableOf(entries);
  if (process.env["UPDATE"] === "1") writeFileSync("SIMULATION.md", page.slice(0, from) + table + page.slice(to));
  else t.is(page.slice(from, to), table);
});
