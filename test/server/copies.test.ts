/** A cluster that runs, and copies of its directories that somebody starts elsewhere: on real processes. */
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { eventually, leaderOf, NodeProcess, three, withNodes } from "../support/node-process.ts";
import { patient } from "../support/processes.ts";

function isNoLock(path: string): boolean {
  return !path.includes("lock");
}

test.serial("copies of all directories, started elsewhere, change nothing in the cluster that runs", async (t) => {
  t.timeout(300_000);
  await withNodes(6, async (nodes) => {
    const originals = await three(nodes, ...patient, "--log-level", "info");
    const [first] = originals;
    for (let k = 0; k < 10; k++) await first.must("PUT", `/k${k}`, "v");
    const storeIds = await Promise.all(originals.map(async (node) => (await node.status())!.storeId));
    const elsewhere = join(nodes.directory, "elsewhere");
    mkdirSync(elsewhere);
    for (const name of readdirSync(nodes.directory).filter((one) => one.startsWith("metaStore-"))) {
      cpSync(join(nodes.directory, name), join(elsewhere, name), { recursive: true, filter: isNoLock });
    }
    const copies: NodeProcess[] = [];
    const startCopies = (): void => {
      for (const id of [1, 2, 3]) {
        const args = ["--data-dir", elsewhere, "--cluster", nodes.list(4, 5, 6), ...patient];
        copies.push(new NodeProcess(id, nodes.ports[id + 2]!, args));
      }
    };
    try {
      // The copies start once more than the originals, and then ever more often.
      for (let round = 0; round < 3; round++) {
        startCopies();
        const deadline = performance.now() + 4_000;
        while (performance.now() < deadline) {
          t.is(await first.must("GET", `/k${round}`), "v");
          await first.must("PUT", `/new${round}`, "w");
        }
        if (round === 2) break;
        for (const copy of copies) await copy.stop();
      }
      await eventually("somebody says what runs twice", () =>
        originals.some((node) => /the directory of node \d runs twice: start 1 of it answers/.test(node.stderr)),
      );
      for (const [k, node] of originals.entries()) {
        t.false(node.hasEnded);
        t.is((await node.status())!.storeId, storeIds[k]!);
        t.is((await node.request("GET", "/readyz")).status, 200);
        t.deepEqual(
          readdirSync(join(nodes.directory, `metaStore-${node.id}`)).filter((name) => name.startsWith("damaged")),
          [],
        );
      }
    } finally {
      for (const copy of copies) await copy.stop();
    }
    // The copies do not keep a member from coming back afterwards.
    const leader = await leaderOf(first);
    const other = (leader % 3) + 1;
    await nodes.running.get(other)!.stop();
    await nodes.start(other, "--cluster", nodes.list(1, 2, 3), ...patient).ready();
    t.is((await nodes.running.get(other)!.status())!.storeId, storeIds[other - 1]!);
  });
});
