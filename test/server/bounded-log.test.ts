/** Lines about peer streams that are closed, when somebody says another thing each time. */
import test from "ava";
import { boundedLog } from "../../server/bounded-log.ts";
import { createLog } from "../../server/log.ts";

test("of causes that are never alike 20 are told in a minute, and that there are more", (t) => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = createLog("info", "text", { write: (line) => lines.push(line), nowMs: () => nowMs });
  const bounded = boundedLog(log, "peer streams are closed", () => nowMs);
  for (let k = 0; k < 1_000; k++) bounded("warn", `this is node 1, not node ${k}`);
  t.is(lines.length, 21);
  t.regex(lines.at(-1)!, /more peer streams are closed, for more reasons than 20/);
  // A cause that was told before is passed on to the log, which holds it back, and is not counted twice.
  bounded("warn", "this is node 1, not node 0");
  t.is(lines.length, 21);
  nowMs += 60_000;
  bounded("warn", "this is node 1, not node 5000");
  t.regex(lines.at(-1)!, /not node 5000\n$/);
});
