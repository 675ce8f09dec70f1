import { readFileSync } from "node:fs";
import { check, HistoryError, parseJsonLines, type Verdict } from "../index.ts";

const configurationsMax = 2_000_000;
const exitCodes = { ok: 0, illegal: 1, unknown: 3 } as const;

/** Checks each file, prints a line each (and the prefix of a failure), and returns the exit code: the gravest of all. */
export function checkFiles(files: readonly string[], print: (line: string) => void): number {
  let code = 0;
  for (const file of files) {
    const result = checkFile(file);
    if (typeof result === "string") {
      print(`error ${file}: ${result}`);
      return 2;
    }
    print(`${result.verdict} ${file}${words(result)}`);
    if (result.verdict === "illegal") for (const operation of result.core) print(`  ${JSON.stringify(operation)}`);
    // Illegal outweighs unknown.
    if (code !== 1) code = Math.max(code, exitCodes[result.verdict]);
    if (result.verdict === "illegal") code = 1;
  }
  return code;
}

function checkFile(file: string): Verdict | string {
  try {
    return check(parseJsonLines(readFileSync(file, "utf8")), { configurationsMax });
  } catch (error) {
    if (error instanceof HistoryError) return error.message;
    if (error instanceof Error && "code" in error) return error.message;
    throw error;
  }
}

function words(result: Verdict): string {
  switch (result.verdict) {
    case "ok":
      return `: ${[...result.order.values()].reduce((sum, order) => sum + order.length, 0)} operations on ${result.order.size} keys`;
    case "illegal":
      return `: ${result.sentence}`;
    case "unknown":
      return `: key ${result.key}: ${result.reason}`;
    default:
      return result satisfies never;
  }
}
