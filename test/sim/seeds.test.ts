import test from "ava";
import { simulateSeed } from "../../sim/run.ts";

const options = { print: null, invariants: true };

test("the seeds 1 to 250 are clean", (t) => {
  for (let seed = 1; seed <= 250; seed++) {
    const { verdict, property, message } = simulateSeed(seed, options);
    t.is(verdict, "ok", `npm run sim -- --seed ${seed}: ${property}: ${message}`);
  }
});
