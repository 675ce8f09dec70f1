/** Kept runs, as tapes: they stay what they were when seeds draw other plans, and each must hold. */
import { readFileSync } from "node:fs";
import test from "ava";
import { simulate } from "../../sim/run.ts";
import { parseTape } from "../../sim/tape.ts";
import { keptTapes, pathOf } from "./tapes.ts";

for (const kept of keptTapes) {
  test.serial(`${kept.tape}: ${kept.what}`, (t) => {
    const { plan, decisions } = parseTape(readFileSync(pathOf(kept), "utf8"));
    const { verdict, property, message } = simulate(plan, { print: null, invariants: true, given: decisions });
    t.is(verdict, "ok", `${property}: ${message}`);
  });
}
