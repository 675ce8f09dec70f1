/** Writes a run's folder: the page, the history, the schedule of faults, the logs, and the line to paste. */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { page as checkerPage } from "../../checker/view/page.ts";
import { timesOf } from "../../checker/times.ts";
import { printJsonLines } from "../../checker/formats/index.ts";
import type { Outcome } from "../run.ts";
import type { World } from "../world/world.ts";
import { chaosPage } from "./page.ts";

/** Copies the members' logs; call it before the world is closed. */
export function keepLogs(world: World, out: string): void {
  mkdirSync(out, { recursive: true });
  const logs = join(world.directory, "logs");
  for (const name of readdirSync(logs)) copyFileSync(join(logs, name), join(out, `log-${name}`));
}

/** `line`: what runs it again. Throws what the file system says. */
export function writeFolder(outcome: Outcome, out: string, line: string, title: string): void {
  mkdirSync(out, { recursive: true });
  const { recorder, nemesis, findings, verdict } = outcome;
  const history = recorder.history();
  writeFileSync(join(out, "history.jsonl"), `{"unit":"us","source":"chaos"}\n${printJsonLines(history)}`);
  writeFileSync(join(out, "stale-reads.jsonl"), staleLines(recorder.stale));
  writeFileSync(join(out, "schedule.jsonl"), nemesis.bands.map((band) => `${JSON.stringify(band)}\n`).join(""));
  writeFileSync(
    join(out, "findings.txt"),
    findings.map(({ atMs, kind, text }) => `${atMs} ms ${kind}: ${text}\n`).join(""),
  );
  writeFileSync(join(out, "line.txt"), `${line}\n`);
  writeFileSync(join(out, "index.html"), chaosPage(outcome, title, line));
  if (verdict.verdict !== "ok")
    writeFileSync(join(out, "contradiction.html"), checkerPage(title, history, verdict, timesOf("us")));
}

/** Stale reads fit no order with the others: they have a file of their own, in the history's format, with the member's id. */
export function staleLines(stale: Outcome["recorder"]["stale"]): string {
  const lines = stale.map(({ member, key, value, revision, call, return: end }, k) => {
    const told = revision === undefined ? {} : { revision };
    return JSON.stringify({ client: k, op: "get", key, value, call, return: end, outcome: "ok", ...told, member });
  });
  return ['{"unit":"us","source":"chaos, stale reads"}', ...lines].map((line) => `${line}\n`).join("");
}
