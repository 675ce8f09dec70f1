/** How this command is called, for the lines that say how to see a run again. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const isInstalled = import.meta.url.includes("/node_modules/");

/** In a clone its script; where the package is installed, its program. */
export const command = isInstalled ? "npx metastore-sim" : "npm run sim --";

/** A comment at the end of such a line: what was running, as another program may run the same seed otherwise. */
export function version(): string {
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
