/**
 * Where mutants are planted: a directory outside of the project, and the processes that run in it. A guard, a process of
 * its own, ends those processes and removes the directory once this one has gone, however that came about.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compiled } from "./compile.ts";
import { applyMutant, type Mutant } from "./mutant.ts";

/** How the directory's name begins: what is left of a run can be looked for. */
export const scratchPrefix = "metastore-mutants-";

/** Begun with `new`, ended with `end`. */
export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), scratchPrefix));
  readonly #guard: ChildProcess;
  readonly #gone: Promise<unknown>;
  #trees = 0;
  #isEnding = false;

  constructor() {
    const script = fileURLToPath(new URL("guard.js", import.meta.url));
    // In a group of its own: Ctrl-C at a terminal goes to all of this one's.
    this.#guard = spawn(process.execPath, [script, this.directory], {
      detached: true,
      stdio: ["pipe", "ignore", "inherit"],
    });
    this.#gone = new Promise((gone) => this.#guard.once("exit", gone));
    // Writing to a guard that somebody has ended is no reason to end too.
    this.#guard.stdin!.on("error", () => undefined);
  }

  /** `child` must be the first of its own process group. The guard ends the group, unless it ends by itself. */
  watch(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) return;
    this.#guard.stdin!.write(`begun ${pid}\n`);
    child.once("exit", () => this.#guard.stdin!.write(`ended ${pid}\n`));
  }

  /** A copy of the compiled product, with its tests where they are wanted. */
  tree(withTests: boolean): Tree {
    this.#trees += 1;
    return new Tree(join(this.directory, `tree-${this.#trees}`), withTests);
  }

  /** What ends from then on was ended: it tells nothing of a mutant. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** When it returns, no process and no file of this run is left. A caller that waits for one of them waits for ever. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#guard.stdin!.end();
    await this.#gone;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const productFolders = ["core", "sim", "checker"];
/** What tests import besides. */
const testFolders = ["server", "test", "mutation"];

/** One copy: `directory` has the folders of the product, as JavaScript. What is planted stays until the next planting. */
export class Tree {
  readonly directory: string;
  readonly #planted = new Set<string>();

  constructor(directory: string, withTests: boolean) {
    this.directory = directory;
    mkdirSync(directory);
    for (const folder of [...productFolders, ...(withTests ? testFolders : [])])
      cpSync(join("dist", folder), join(directory, folder), {
        recursive: true,
        filter: (path) => !/\.(d\.ts|map)$/.test(path),
      });
    // What tests read: tapes, transcripts, histories.
    if (withTests)
      cpSync("test", join(directory, "test"), { recursive: true, filter: (path) => !path.endsWith(".ts") });
    symlinkSync(resolve("node_modules"), join(directory, "node_modules"));
    writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  }

  /** Files by their paths in the tree; all others are as the product has them. */
  plant(files: ReadonlyMap<string, string>): void {
    for (const file of this.#planted) if (!files.has(file)) cpSync(join("dist", file), join(this.directory, file));
    this.#planted.clear();
    for (const [file, text] of files) {
      mkdirSync(dirname(join(this.directory, file)), { recursive: true });
      writeFileSync(join(this.directory, file), text);
      this.#planted.add(file);
    }
  }
}

/** The compiled product with the mutant in it, which is there until `use` has ended. Call it from the project's root. */
export async function withMutant<T>(mutant: Mutant, use: (directory: string) => Promise<T>): Promise<T> {
  const scratch = new Scratch();
  try {
    const tree = scratch.tree(false);
    tree.plant(compiled(applyMutant(mutant)));
    return await use(tree.directory);
  } finally {
    await scratch.end();
  }
}
