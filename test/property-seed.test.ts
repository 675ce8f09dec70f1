/** What a property test draws is the same in every run. */
import test from "ava";
import { fc } from "@fast-check/ava";

function drawn(): number[] {
  const seen: number[] = [];
  fc.assert(fc.property(fc.nat(), (one) => void seen.push(one)));
  return seen;
}

test("property tests draw the same cases in every run, also through the library's own front", (t) => {
  t.is(typeof fc.readConfigureGlobal()?.seed, "number");
  t.deepEqual(drawn(), drawn());
});
