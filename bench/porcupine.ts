/** Porcupine beside us, where a Go toolchain and a checkout of it are at hand: the same histories, in the same run. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { printJsonLines } from "../checker/formats/index.ts";
import type { Operation } from "../checker/index.ts";

const secondsMax = 30;

/** Porcupine, built once, as a process that is timed from within. */
export class Porcupine {
  readonly #directory = mkdtempSync(join(tmpdir(), "metastore-porcupine-"));

  /** Builds the harness with the checkout in `directory`; throws where that cannot be. */
  constructor(directory: string) {
    copyFileSync("bench/porcupine/main.go", join(this.#directory, "main.go"));
    const name = "github.com/anishathalye/porcupine";
    const lines = ["module harness", "go 1.19", `require ${name} v0.0.0`, `replace ${name} => ${resolve(directory)}`];
    writeFileSync(join(this.#directory, "go.mod"), lines.join("\n"));
    execFileSync("go", ["build", "-mod=mod", "-o", "harness"], {
      cwd: this.#directory,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  /** The verdict and the milliseconds, in words. On one core, as we are. */
  time(history: readonly Operation[]): string {
    const file = join(this.#directory, "history.jsonl");
    writeFileSync(file, printJsonLines(history));
    const env = { ...process.env, GOMAXPROCS: "1" };
    try {
      const said = execFileSync(join(this.#directory, "harness"), [String(secondsMax), file], {
        env,
        timeout: 120_000,
      });
      const [verdict, ms] = said.toString().trim().split(" ");
      return verdict === "Unknown" ? `> ${secondsMax} s` : `${ms} ms`;
    } catch {
      return "it died";
    }
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
