/** RocksDB and the other storage on later Node versions, where `npm run test-nodes` has installed them. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import test from "ava";
import { nodeBinary, otherNodes } from "../support/nodes.ts";

for (const version of otherNodes) {
  const binary = nodeBinary(version);
  const isHere = existsSync(binary) && process.execPath !== binary && process.version.startsWith("v20.");
  const title = `the storage suites pass on Node ${version}`;
  if (!isHere) test.skip(`${title} (npm run test-nodes installs it)`, () => undefined);
  else {
    test.serial(title, async (t) => {
      t.timeout(300_000);
      const files = ["rocksdb", "rocksdb-packages", "ordered-kv", "state-store", "disk", "wal-recovery"];
      const args = [
        "node_modules/ava/entrypoints/cli.mjs",
        ...files.map((name) => `dist/test/storage/${name}.test.js`),
      ];
      const [error, output] = await new Promise<[Error | null, string]>((resolve) => {
        const options = { env: cleanEnvironment(), maxBuffer: 1 << 24 };
        execFile(binary, args, options, (failure, stdout, stderr) => resolve([failure, stdout + stderr]));
      });
      t.is(error, null, output);
      t.regex(output, /\d+ tests passed/);
    });
  }
}

/** AVA's own variables would make the child a worker of this run. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AVA|TEST_)/.test(name)));
}
