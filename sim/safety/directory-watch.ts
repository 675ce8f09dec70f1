/** Follows what a machine's directory went through while no process ran in it, up to the process that finds it out. */
import { segmentNumber } from "../../core/storage/wal-record.ts";
import type { Subscriber } from "../bus.ts";
import { directoryMustBeOfThisFormat, lostLogMustNotBegin } from "../laws/storage.ts";
import type { Host } from "../world/host.ts";
import type { Ghost } from "./ghost.ts";

/** One for each run. It tells the ghost what must be gone and what must still be there. */
export class DirectoryWatch implements Subscriber {
  readonly #ghost: Ghost;

  /** Told before those who judge by `ghost` what a process writes and finds. */
  constructor(ghost: Ghost) {
    this.#ghost = ghost;
  }

  wrote(host: Host, file: string): void {
    if (segmentNumber(file) !== null) this.#noteLoss(host);
  }

  recovered(host: Host): void {
    const { id, directory } = host;
    if (directory.isOlderCopy) return;
    directoryMustBeOfThisFormat(id, directory.isOfNewerFormat);
    this.#noteLoss(host);
    lostLogMustNotBegin(id, directory.runsOnLostLog);
    directory.takesPart();
  }

  /** A process that has misread its log has set the log aside before it says or writes anything. */
  #noteLoss({ id, directory }: Host): void {
    if (directory.setMisreadAside()) this.#ghost.logLost(id);
  }
}
