/** How this command is called, for the lines that say how to see a run again. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const isInstalled = import.meta.url.includes("/node_modules/");

/** In a clone its script; where the package is installed, its program. */
export const command = isInstalled ? "npx metastore-sim" : "npm run sim --";

let known: string | null = null;

/** A comment at the end of such a line: what was running, as another program may run the same seed otherwise. */
export function version(): string {
  known ??= findVersion();
  return known;
}

/** The last line of what a command says: what to type next. `rest`: behind the command's name. */
export function nextLine(rest: string): string {
  return `next: ${command} ${rest}${version()}`;
}

function findVersion(): string {
  if (isInstalled) {
    const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
    return `  # metastore ${(JSON.parse(text) as { version: string }).version}`;
  }
  try {
    const git = ["rev-parse", "--short", "HEAD"];
    return `  # at commit ${execFileSync("git", git, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()}`;
  } catch {
    return "";
  }
}
