/** Names are free: what is drawn and what is traced goes by numbers, so that a new name changes no run. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { changeKinds, changeOutcomes, messageKinds, removalReasons } from "../../core/protocol/message-kinds.ts";
import { sites } from "../../sim/draws.ts";
import { familyNumbers } from "../../sim/plan/families.ts";
import { planKnobs } from "../../sim/plan/knobs.ts";

const tables = { messageKinds, changeKinds, changeOutcomes, removalReasons, sites, familyNumbers, planKnobs };

for (const [table, numbers] of Object.entries(tables)) {
  test(`${table}: each name has a number of its own`, (t) => {
    const values: readonly number[] = Object.values(numbers);
    t.is(new Set(values).size, values.length);
    t.true(values.every((value) => Number.isSafeInteger(value) && value >= 0 && value < 256));
  });
}

/** Of all tables, the names that nothing else in the code is called by: two words at least. */
const renamed = Object.values(tables)
  .flatMap((numbers) => Object.keys(numbers))
  .filter((name) => /[-A-Z]/.test(name))
  .toSorted((a, b) => b.length - a.length);

/** `code`, with a longer name that begins otherwise in the place of each of those. */
function withOtherNames(code: string): string {
  const names = new RegExp(`(?<![-\\w$])(${renamed.join("|")})(?![-\\w$])`, "g");
  return code.replace(names, (name) => (name.includes("-") ? `x-${name}-y` : `x_${name}_y`));
}

async function tracesOf(directory: string): Promise<string> {
  const args = [join(directory, "sim/main.js"), "--seeds", "1..3", "--jobs", "1"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return /, 0 failed,.* traces ([0-9a-f]{8})/.exec(stdout)![1]!;
}

test("with other names for messages, families of faults, knobs and sites of chance, every run stays the same", async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), "metastore-names-"));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  symlinkSync(resolve("node_modules"), join(scratch, "node_modules"));
  writeFileSync(join(scratch, "package.json"), '{"type":"module"}');
  let changed = 0;
  for (const folder of ["core", "sim", "checker"]) {
    cpSync(join("dist", folder), join(scratch, folder), { recursive: true });
    for (const name of readdirSync(join(scratch, folder), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".js")) continue;
      const file = join(scratch, folder, name);
      const code = readFileSync(file, "utf8");
      writeFileSync(file, withOtherNames(code));
      if (withOtherNames(code) !== code) changed += 1;
    }
  }
  t.true(changed > 40);
  t.is(await tracesOf(scratch), await tracesOf("dist"));
});
