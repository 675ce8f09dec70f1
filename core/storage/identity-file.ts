/** The identity of an open directory: who changes it waits for who changed it before, and none overwrites another's change. */
import type { Disk, DiskError } from "../ports.ts";
import { type Identity, type LogExtent, saveIdentity } from "./identity.ts";

type Done = (error: DiskError | null) => void;
type Update = { readonly change: (current: Identity) => Identity; readonly done: Done };

/** One for each open directory. After an update has failed there is no other: the disk's error ends the node. */
export class IdentityFile {
  readonly #disk: Disk;
  /** As it is on the disk now. */
  #current: Identity;
  readonly #waiting: Update[] = [];
  #saving = false;

  /** `current` is durable. */
  constructor(disk: Disk, current: Identity) {
    this.#disk = disk;
    this.#current = current;
  }

  get current(): Identity {
    return this.#current;
  }

  /** `done` comes when what `change` makes of the identity as it is then is durable. An error is final. */
  update(change: Update["change"], done: Done): void {
    this.#waiting.push({ change, done });
    this.#next();
  }

  /** Replaces all but the extent of the log, which is the log's own to say. */
  save(identity: Identity, done: Done): void {
    this.update(({ log }) => ({ ...identity, log }), done);
  }

  saveExtent(log: LogExtent, done: Done): void {
    this.update((current) => ({ ...current, log }), done);
  }

  #next(): void {
    if (this.#saving) return;
    const update = this.#waiting.shift();
    if (update === undefined) return;
    this.#saving = true;
    const identity = update.change(this.#current);
    saveIdentity(this.#disk, identity, (error) => {
      this.#saving = false;
      if (error !== null) return update.done(error);
      this.#current = identity;
      update.done(null);
      this.#next();
    });
  }
}
