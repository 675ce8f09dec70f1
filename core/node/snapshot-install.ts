/** A snapshot that came whole becomes the state, once the applier stands still. */
import { assert } from "../assert.ts";
import type { CompactionPoint } from "../protocol/configuration.ts";
import type { SnapshotFile } from "../storage/open-snapshots.ts";
import type { SnapshotStore } from "../storage/snapshot-store.ts";
import type { Applier } from "./applier.ts";
import type { ContextOf } from "./context.ts";

type InstallerContext = ContextOf<"genesis" | "schedule" | "store">;

/** The state is that of `header`'s place, and the log may begin there. */
export type OnInstalled = (header: CompactionPoint & { readonly rowCount: number }) => void;

/** One for each boot. It installs one snapshot at a time, and skips a snapshot that leads no further than the state. */
export class SnapshotInstaller {
  readonly #context: InstallerContext;
  readonly #snapshots: SnapshotStore;
  readonly #applier: Applier;
  readonly #onInstalled: OnInstalled;
  #incoming: SnapshotFile | null = null;
  #isInstalling = false;

  /** A turn is asked for when a snapshot has come, and when nothing is installed any more: of use or not. */
  constructor(context: InstallerContext, snapshots: SnapshotStore, applier: Applier, onInstalled: OnInstalled) {
    this.#context = context;
    this.#snapshots = snapshots;
    this.#applier = applier;
    this.#onInstalled = onInstalled;
  }

  /** `snapshot` is durable; it is made the state in the turns to come. */
  offer(snapshot: SnapshotFile): void {
    assert(!this.isBusy, "one snapshot at a time is installed");
    this.#incoming = snapshot;
    this.#context.schedule();
  }

  /** A snapshot waits to be made the state, or is being made it. */
  get isBusy(): boolean {
    return this.#isInstalling || this.#incoming !== null;
  }

  /** Begins where one has come and nothing is being applied: call it every turn. */
  advance(): void {
    const snapshot = this.#incoming;
    if (snapshot === null || !this.#applier.pause()) return;
    assert(!this.#isInstalling, "one snapshot at a time is installed");
    this.#incoming = null;
    const { genesis, store } = this.#context;
    if (snapshot.index <= store.applied.index) return this.#finish();
    this.#isInstalling = true;
    this.#snapshots.load(snapshot.name, genesis.cluster, store.beginInstall(), (loaded) => {
      if (!loaded.ok) {
        const why = `${loaded.reason}; it is asked for again`;
        return this.#snapshots.setAside(snapshot.name, why, () => this.#finish());
      }
      this.#onInstalled(loaded.value);
      this.#finish();
    });
  }

  #finish(): void {
    assert(this.#incoming === null, "no other snapshot is offered before this one is installed");
    this.#isInstalling = false;
    this.#applier.resume();
    this.#context.schedule();
  }
}
