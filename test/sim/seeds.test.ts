import test from "ava";
import { simulateSeed } from "../../sim/run.ts";

const options = { print: null, invariants: true };

test.serial("the seeds 1 to 30 are clean", (t) => {
  for (let seed = 1; seed <= 30; seed++) {
    const { verdict, property, message } = simulateSeed(seed, options);
    t.is(verdict, "ok", `npm run sim -- --seed ${seed}: ${property}: ${message}`);
  }
});

test.serial("tier b: whatever is lost, no answer is wrong; some runs halt, and say what is gone", (t) => {
  const halted: string[] = [];
  for (let seed = 1; seed <= 12; seed++) {
    const result = simulateSeed(seed, options, { tier: "b" });
    t.is(result.verdict, "ok", `seed ${seed}: ${result.property}: ${result.message}`);
    if (result.halted !== null) halted.push(result.halted);
  }
  t.true(halted.length > 0);
  for (const why of halted) t.regex(why, /^L\d [a-z ]+: .*; gone are n\d's (log|rows|disk)/);
});
