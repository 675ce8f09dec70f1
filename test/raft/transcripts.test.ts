/**
 * Stories of a few Rafts as files of commands and what comes of them, in the manner of Go's `datadriven`. A case is added
 * by writing its commands, each followed by a line `----`, and running
 * `UPDATE_TRANSCRIPTS=1 npx ava dist/test/raft/transcripts.test.js`, which fills in the output; the difference is to be read.
 * test/raft/transcripts/README.md lists the commands.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Transcript } from "../support/transcript.ts";

const folder = "test/raft/transcripts";
const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));

for (const file of files) {
  test(`the story of ${file} is as it is written`, (t) => {
    const path = join(folder, file);
    const written = readFileSync(path, "utf8");
    const told = new Transcript().tell(written);
    if (process.env["UPDATE_TRANSCRIPTS"] === "1") writeFileSync(path, told);
    t.is(told, readFileSync(path, "utf8"));
  });
}

test("there are stories", (t) => {
  t.true(files.length >= 6);
});

for (const [what, text, says] of [
  ["an unknown command", "elcet 1\n----\n", /unknown command "elcet"/],
  ["an unknown argument", "cluster voters=1\n----\n\nelect 1 witout=2\n----\n", /elect knows no "witout"/],
  ["no cluster before", "elect 1\n----\n", /the first command is "cluster"/],
  ["no number", "cluster voters=one\n----\n", /"one" is no number/],
  ["a node that is not there", "cluster voters=1\n----\n\nelect 7\n----\n", /there is no node 7/],
] as const) {
  test(`a transcript with ${what} is refused in words that help`, (t) => {
    t.throws(() => new Transcript().tell(text), { message: says });
  });
}
