/** A snapshot that came whole becomes the state, once the applier stands still. */
import { assert } from "../assert.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { SnapshotFile, SnapshotStore } from "../storage/snapshot-store.ts";
import type { StateStore } from "../storage/state-store.ts";
import type { ClusterId } from "../units.ts";
import type { Applier } from "./applier.ts";

/** What the node does once a snapshot is its state. */
export interface InstallHost {
  /** The state is that of `header`'s place, and the log may begin there. */
  onInstalled(header: CompactionPoint & { readonly rowCount: number }): void;
  /** Nothing is installed any more, whether the snapshot was of use or not. */
  onFinished(): void;
}

/** One for each boot. It takes one snapshot at a time, and never one that the state is beyond. */
export class SnapshotInstaller {
  readonly #snapshots: SnapshotStore;
  readonly #cluster: ClusterId;
  readonly #store: StateStore;
  readonly #applier: Applier;
  readonly #host: InstallHost;
  #incoming: SnapshotFile | null = null;
  #isInstalling = false;

  constructor(snapshots: SnapshotStore, cluster: ClusterId, store: StateStore, applier: Applier, host: InstallHost) {
    this.#snapshots = snapshots;
    this.#cluster = cluster;
    this.#store = store;
    this.#applier = applier;
    this.#host = host;
  }

  /** `snapshot` is durable; it is made the state in the turns to come. */
  offer(snapshot: SnapshotFile): void {
    assert(!this.isBusy, "one snapshot at a time is installed");
    this.#incoming = snapshot;
  }

  get isBusy(): boolean {
    return this.#isInstalling || this.#incoming !== null;
  }

  /** Begins where one has come and nothing is being applied: call it every turn. */
  advance(): void {
    const snapshot = this.#incoming;
    if (snapshot === null || !this.#applier.pause()) return;
    assert(!this.#isInstalling, "one snapshot at a time is installed");
    this.#incoming = null;
    if (snapshot.index <= this.#store.applied.index) return this.#finish();
    this.#isInstalling = true;
    this.#snapshots.load(snapshot.name, this.#cluster, this.#store.beginInstall(), (problem, header) => {
      if (problem !== null || header === null) {
        const why = `${problem?.reason}; it is asked for again`;
        return this.#snapshots.setAside(snapshot.name, why, () => this.#finish());
      }
      this.#host.onInstalled(header);
      this.#finish();
    });
  }

  #finish(): void {
    assert(this.#incoming === null, "no other snapshot is offered before this one is installed");
    this.#isInstalling = false;
    this.#applier.resume();
    this.#host.onFinished();
  }
}
