/** Each law is checked in one place, and said in one: the table in sim/laws.ts, from which SIMULATION.md has its list. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { laws, type LawEntry } from "../../sim/laws.ts";
import * as answers from "../../sim/laws/answers.ts";
import * as commit from "../../sim/laws/commit.ts";
import * as election from "../../sim/laws/election.ts";
import * as limits from "../../sim/laws/limits.ts";
import * as membership from "../../sim/laws/membership.ts";
import * as reads from "../../sim/laws/reads.ts";
import * as replication from "../../sim/laws/replication.ts";
import * as state from "../../sim/laws/state.ts";
import * as storage from "../../sim/laws/storage.ts";
import * as strangers from "../../sim/laws/strangers.ts";
import * as waits from "../../sim/laws/waits.ts";

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
  waits,
};
const entries = Object.entries(laws);

/** The names of a family's functions that throw where a law is broken. */
function checksIn(family: string): string[] {
  return Object.keys(families[family] ?? {}).filter((name) => name.includes("Must"));
}

test("every file of laws is one family, and each of its functions stands at one law of that family", (t) => {
  // facts.ts says what laws are told, and judges nothing.
  const files = readdirSync("sim/laws").flatMap((name) => (name === "facts.ts" ? [] : [name.replace(/\.ts$/, "")]));
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
  const elsewhere = judges.filter((name) => !name.startsWith("laws/"));
  t.deepEqual(elsewhere, ["violation.ts"]);
});

const begin = "<!-- laws -->\n\n";
const end = "\n<!-- /laws -->";

/** One law as an item of a list, in lines of at most 120 columns. */
function itemOf([id, { name, sentence }]: readonly [string, LawEntry]): string {
  const lines = [`- **${id} ${name}**:`];
  for (const word of `${sentence}.`.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length <= 120) lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  return `${lines.join("\n")}\n`;
}

test("SIMULATION.md lists the laws that hold at every moment; UPDATE=1 rewrites them", (t) => {
  const page = readFileSync("SIMULATION.md", "utf8");
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  t.true(from >= begin.length && to > from);
  const list = entries
    .filter(([, { family }]) => family !== "liveness")
    .map(itemOf)
    .join("");
  if (process.env["UPDATE"] === "1") writeFileSync("SIMULATION.md", page.slice(0, from) + list + page.slice(to));
  else t.is(page.slice(from, to), list);
});
