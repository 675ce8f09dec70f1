/** What the build leaves in its folder. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import { missingIn, removeLeftovers } from "../build/leftovers.ts";

test("what comes of a source that is gone is removed; what is generated, and what the compiler keeps, stays", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "metastore-build-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const stays = ["core/index.js", "core/index.js.map", "core/index.d.ts", "core/index.d.ts.map", "pages.tsbuildinfo"];
  const kept = [...stays, "page-scripts/pages/gone.js", "sim/made.html"];
  for (const file of [...kept, "core/gone.js", "core/gone.d.ts.map", "test/gone.test.js", "sim/other.html"]) {
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    writeFileSync(join(directory, file), "");
  }
  removeLeftovers(directory, ["sim/made.html"]);
  const left = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  t.deepEqual(
    left.map(({ parentPath, name }) => join(parentPath, name)).toSorted(),
    kept.map((one) => join(directory, one)).toSorted(),
  );
});

test("a module that is not there is named, also where its source has not changed", (t) => {
  t.is(missingIn("dist", ["core", "build"]), null);
  const directory = mkdtempSync(join(tmpdir(), "metastore-build-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  t.regex(missingIn(directory, ["build"])!, /\/build\/\w+\.js$/);
});
