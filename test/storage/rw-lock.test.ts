/** The lock of a store's readers and writers: whatever is thrown inside, nobody behind it waits for ever. */
import test from "ava";
import { fc, testProp } from "@fast-check/ava";
import { RwLock, thenRelease } from "../../core/storage/rw-lock.ts";

test("readers are in together, a writer alone, in the order in which they come", (t) => {
  const gate = new RwLock();
  const inside: string[] = [];
  const leaves = new Map<string, () => void>();
  const enter = (name: string, alone: boolean): void =>
    gate.acquire(alone, (leave) => {
      inside.push(name);
      leaves.set(name, leave);
    });
  enter("a", false);
  enter("b", false);
  enter("w", true);
  enter("c", false);
  t.deepEqual(inside, ["a", "b"]);
  leaves.get("a")!();
  leaves.get("a")!();
  t.deepEqual(inside, ["a", "b"]);
  leaves.get("b")!();
  t.deepEqual(inside, ["a", "b", "w"]);
  leaves.get("w")!();
  t.deepEqual(inside, ["a", "b", "w", "c"]);
});

test("who throws inside has left, and the throw is not swallowed", (t) => {
  const gate = new RwLock();
  t.throws(
    () =>
      gate.acquire(true, () => {
        throw new Error("a bug");
      }),
    { message: "a bug" },
  );
  let hasEntered = false;
  gate.acquire(true, () => (hasEntered = true));
  t.true(hasEntered);
});

function quietly(run: () => void): void {
  try {
    run();
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.message === "planned")) throw thrown;
  }
}

testProp(
  "however they end, at once or later, by a throw or not, all come to their turn",
  [fc.array(fc.record({ alone: fc.boolean(), later: fc.boolean(), throws: fc.boolean() }), { maxLength: 30 })],
  (t, visitors) => {
    const gate = new RwLock();
    const later: (() => void)[] = [];
    let entered = 0;
    let writers = 0;
    let readers = 0;
    for (const { alone, later: endsLater, throws } of visitors) {
      quietly(() =>
        gate.acquire(alone, (leave) => {
          entered += 1;
          if (alone) writers += 1;
          else readers += 1;
          t.true(writers === 0 || (writers === 1 && readers === 0));
          const end = (): void =>
            thenRelease(leave, () => {
              if (alone) writers -= 1;
              else readers -= 1;
              if (throws) throw new Error("planned");
            });
          if (endsLater) later.push(end);
          else end();
        }),
      );
    }
    while (later.length > 0) quietly(later.shift()!);
    t.is(entered, visitors.length);
  },
);
