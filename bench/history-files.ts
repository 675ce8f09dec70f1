/** How long the checker takes for each of the files in a folder, from parsed operations to verdict, core and sentence. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HistoryReader } from "../checker/formats/index.ts";
import { check } from "../checker/index.ts";

/** Prints the least that each took of `rounds`, added up, and the worst of them. Throws where a file is no history. */
export function benchHistoryFiles(directory: string, rounds: number): void {
  const files = readdirSync(directory).map((name) => {
    const reader = new HistoryReader(null);
    reader.feed(readFileSync(join(directory, name), "utf8"));
    return { name, read: reader.end(), ms: Infinity };
  });
  const counts = { ok: 0, illegal: 0, unknown: 0 };
  for (let round = 0; round < rounds; round++) {
    for (const file of files) {
      const start = performance.now();
      const { verdict } = check(file.read.history, { times: file.read.times });
      file.ms = Math.min(file.ms, performance.now() - start);
      if (round === 0) counts[verdict] += 1;
    }
  }
  const worst = files.reduce((a, b) => (b.ms > a.ms ? b : a));
  const total = files.reduce((sum, { ms }) => sum + ms, 0);
  const verdicts = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
  console.log(
    `${files.length} files (${verdicts.join(", ")}): ${total.toFixed(1)} ms, ${worst.name} ${worst.ms.toFixed(2)} ms`,
  );
}
