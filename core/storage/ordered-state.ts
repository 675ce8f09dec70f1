/**
 * Rows on an ordered map that outlives the process (RocksDB). A batch of the apply loop goes down un-synced, rows,
 * sessions and applied entry as one; one batch is in flight at a time, for two would take effect in either order. Until
 * `sync` completes the log must keep what they came from. Sessions are few, and in memory too.
 */
import { assert } from "../assert.ts";
import { BadBytes } from "../bytes.ts";
import type { Row, RowChanges } from "../kv/machine.ts";
import { type Session, type SessionLimits, Sessions } from "../kv/sessions.ts";
import { StateHash } from "../kv/state-hash.ts";
import type { PageLimits } from "../limits.ts";
import type { DiskError, KvChange, OrderedKv } from "../ports.ts";
import type { LogPosition } from "../protocol/entry.ts";
import type { Index, StoreId } from "../units.ts";
import { RwLock, thenRelease } from "./rw-lock.ts";
import {
  decodeMeta,
  decodeRow,
  decodeSession,
  encodeMeta,
  encodeRow,
  encodeSession,
  generationStart,
  keyOfRow,
  type Meta,
  metaKey,
  rowKey,
  sessionKey,
  sessionRange,
} from "./ordered-format.ts";
import type { SnapshotView, StateInstaller, StateStore, StoreFailure } from "./state-store.ts";
import { GarbageCollector } from "./garbage-collector.ts";

type Done = (error: DiskError | null) => void;

const nothing: Meta = {
  storeId: "",
  generation: 0,
  applied: { index: 0, term: 0, clusterMicros: 0 },
  rowCount: 0,
  lanes: [0, 0],
};

/** The state store whose rows survive a restart. It may be behind the log, and is never ahead of what is durable of it. */
export class OrderedState implements StateStore {
  readonly isPersistent = true;
  readonly #kv: OrderedKv;
  readonly #limits: SessionLimits;
  readonly #sessionsAtOnce: number;
  readonly #lock = new RwLock();
  readonly #garbage: GarbageCollector;
  /** As the map holds it, what is in flight included only when it has completed. */
  #meta = nothing;
  #hash = new StateHash();
  #durableIndex: Index = 0;
  #sessions: Sessions;
  /** The sessions as they were last written; `#sessions` may be a batch ahead. */
  #stored = new Map<Index, Session>();
  #closed = false;

  /** `pages`: how much is read, or removed, at once. */
  constructor(kv: OrderedKv, limits: SessionLimits, pages: PageLimits) {
    this.#kv = kv;
    this.#limits = limits;
    this.#sessionsAtOnce = pages.sessionsPerScanMax;
    this.#sessions = new Sessions(limits);
    this.#garbage = new GarbageCollector(kv, this.#lock, pages.rowsPerSweepMax);
  }

  get applied(): LogPosition {
    return this.#meta.applied;
  }
  get durableIndex(): Index {
    return this.#durableIndex;
  }
  get sessions(): Sessions {
    return this.#sessions;
  }
  get rowCount(): number {
    return this.#meta.rowCount;
  }
  get hash(): StateHash {
    return this.#hash;
  }

  open(storeId: StoreId, drops: (owner: StoreId) => boolean, done: (failure: StoreFailure | null) => void): void {
    assert(this.#meta === nothing, "a store is opened once");
    const onDiskError = (error: DiskError): void => done({ kind: "disk", error });
    this.#kv.open((error) => {
      if (error !== null) return onDiskError(error);
      this.#kv.get([metaKey], (failure, [bytes]) => {
        if (failure !== null) return onDiskError(failure);
        try {
          this.#become(bytes === null || bytes === undefined ? { ...nothing, storeId } : decodeMeta(bytes));
        } catch (thrown) {
          return done({ kind: "refused", reason: `the rows cannot be read: ${wordsOf(thrown)}` });
        }
        if (drops(this.#meta.storeId))
          return this.#beginEmpty(storeId, (trouble) => (trouble === null ? done(null) : onDiskError(trouble)));
        if (this.#meta.storeId !== storeId) {
          return done({
            kind: "refused",
            reason: `the rows belong to directory ${this.#meta.storeId}, the log to ${storeId}`,
          });
        }
        // What was found has survived a crash of the process, not yet one of the machine.
        this.#loadSessions((trouble) => {
          if (trouble !== null) return onDiskError(trouble);
          this.#garbage.allBut(this.#meta.generation);
          done(null);
        });
      });
    });
  }

  /** Nobody enters a map that is closed: the node tells those who waited that it ends. */
  #enter(alone: boolean, run: (leave: () => void) => void): void {
    this.#lock.acquire(alone, (leave) => (this.#closed ? leave() : run(leave)));
  }

  /** Rows of an earlier life are left to the sweep; its sessions would pass for this one's. */
  #beginEmpty(storeId: StoreId, done: Done): void {
    // The next generation may hold rows of a snapshot that was on its way.
    const meta = { ...nothing, storeId, generation: this.#meta.generation + 2 };
    assert(this.#durableIndex === 0, "only a store that is being opened begins empty");
    this.#loadSessions((trouble) => {
      if (trouble !== null) return done(trouble);
      const gone = [...this.#stored.keys()].map((id): KvChange => ({ key: sessionKey(id), value: null }));
      this.#restoreSessions([]);
      this.#enter(true, (leave) => {
        this.#put(meta, gone, true, leave, (error) => {
          if (error !== null) return done(error);
          this.#garbage.allBut(meta.generation);
          done(null);
        });
      });
    });
  }

  #become(meta: Meta): void {
    assert(meta.generation >= this.#meta.generation, "generations rise");
    this.#meta = meta;
    this.#hash = new StateHash();
    this.#hash.lanes = meta.lanes;
  }

  #loadSessions(done: Done): void {
    assert(this.#stored.size === 0, "sessions are read once, when the store is opened");
    const scan = this.#kv.scan(...sessionRange);
    const found: Session[] = [];
    const more = (): void => {
      scan.next(this.#sessionsAtOnce, (error, pairs) => {
        if (error !== null) return done(error);
        try {
          for (const [, bytes] of pairs) found.push(decodeSession(bytes));
        } catch (thrown) {
          return done(damaged("a session", thrown));
        }
        if (pairs.length === this.#sessionsAtOnce) return more();
        scan.end();
        this.#restoreSessions(found);
        done(null);
      });
    };
    more();
  }

  #restoreSessions(found: readonly Session[]): void {
    this.#sessions = new Sessions(this.#limits);
    this.#stored = new Map(found.map((session) => [session.id, session]));
    for (const session of this.#storedByUse()) this.#sessions.restore(session);
    assert(this.#sessions.count === this.#stored.size, "the live sessions are those that are stored");
  }

  #storedByUse(): Session[] {
    return [...this.#stored.values()].toSorted((a, b) => a.lastIndex - b.lastIndex);
  }

  read(keys: readonly string[], done: (error: DiskError | null, rows: readonly (Row | null)[]) => void): void {
    this.#enter(false, (leave) => {
      const { generation } = this.#meta;
      const stored = keys.map((key) => rowKey(generation, key));
      this.#kv.get(stored, (error, values) => {
        if (this.#closed) return;
        let rows: (Row | null)[] = [];
        let trouble = error;
        try {
          rows = values.map((bytes) => (bytes === null ? null : decodeRow(bytes)));
        } catch (thrown) {
          trouble = damaged("a row", thrown);
        }
        thenRelease(leave, () => done(trouble, rows));
      });
    });
  }

  write({ before, rows, sessions }: RowChanges, { index, term, clusterMicros }: LogPosition, done: Done): void {
    this.#enter(true, (leave) => {
      const { generation } = this.#meta;
      const hash = new StateHash();
      hash.lanes = this.#hash.lanes;
      let { rowCount } = this.#meta;
      const batch: KvChange[] = [];
      for (const [key, row] of rows) {
        const old = before.get(key);
        assert(old !== undefined, "a row that is changed was read before");
        if (old !== null) hash.removeRow(key, old);
        if (row !== null) hash.addRow(key, row);
        rowCount += (row === null ? 0 : 1) - (old === null ? 0 : 1);
        if (row !== null || old !== null) {
          batch.push({ key: rowKey(generation, key), value: row === null ? null : encodeRow(row) });
        }
      }
      for (const [id, session] of sessions) this.#writeSession(id, session, hash, batch);
      const applied = { index, term, clusterMicros };
      this.#put({ ...this.#meta, applied, rowCount, lanes: hash.lanes }, batch, false, leave, done);
    });
  }

  #writeSession(id: Index, session: Session | null, hash: StateHash, batch: KvChange[]): void {
    assert(session === null || session.id === id, "a session is kept under its own id");
    const old = this.#stored.get(id);
    if (old !== undefined) hash.removeSession(old);
    if (session === null) this.#stored.delete(id);
    else {
      hash.addSession(session);
      this.#stored.set(id, session);
    }
    batch.push({ key: sessionKey(id), value: session === null ? null : encodeSession(session) });
  }

  /** Writes `batch` with `meta`, which holds once it completes. */
  #put(meta: Meta, batch: KvChange[], sync: boolean, leave: () => void, done: Done): void {
    assert(meta.applied.index > this.applied.index || sync, "the applied index rises");
    batch.push({ key: metaKey, value: encodeMeta(meta) });
    this.#kv.write(batch, sync, (error) => {
      if (this.#closed) return;
      if (error !== null) return thenRelease(leave, () => done(error));
      this.#become(meta);
      if (sync) this.#durableIndex = meta.applied.index;
      thenRelease(leave, () => done(null));
    });
  }

  sync(done: Done): void {
    this.#enter(true, (leave) => this.#put(this.#meta, [], true, leave, done));
  }

  freeze(done: (error: DiskError | null, frozen: SnapshotView) => void): void {
    this.#enter(true, (leave) => {
      const { generation, applied: place, rowCount } = this.#meta;
      const scan = this.#kv.scan(generationStart(generation), generationStart(generation + 1));
      done(null, {
        place,
        rowCount,
        sessions: this.#storedByUse(),
        rows: (count, take) => {
          scan.next(count, (error, pairs) => {
            if (error !== null) return take(error, []);
            let rows: [string, Row][];
            try {
              rows = pairs.map(([key, bytes]) => [keyOfRow(key), decodeRow(bytes)]);
            } catch (thrown) {
              return take(damaged("a row", thrown), []);
            }
            take(null, rows);
          });
        },
        release: () => scan.end(),
      });
      leave();
    });
  }

  beginInstall(): StateInstaller {
    const generation = this.#meta.generation + 1;
    const hash = new StateHash();
    let rowCount = 0;
    return {
      put: (pairs, done) => {
        // A snapshot that was given up may have left rows of this generation.
        this.#garbage.whenDone(() => {
          this.#enter(true, (leave) => {
            const batch = pairs.map(([key, row]) => ({ key: rowKey(generation, key), value: encodeRow(row) }));
            for (const [key, row] of pairs) hash.addRow(key, row);
            rowCount += pairs.length;
            this.#kv.write(batch, false, (error) => {
              if (this.#closed) return;
              thenRelease(leave, () => done(error));
            });
          });
        });
      },
      commit: (sessions, place, done) => {
        this.#enter(true, (leave) => {
          assert(generation === this.#meta.generation + 1, "one snapshot at a time is installed");
          const gone = [...this.#stored.keys()].map((id): KvChange => ({ key: sessionKey(id), value: null }));
          const kept = sessions.map((session) => ({ key: sessionKey(session.id), value: encodeSession(session) }));
          for (const session of sessions) hash.addSession(session);
          const meta = { ...this.#meta, generation, applied: place, rowCount, lanes: hash.lanes };
          this.#put(meta, [...gone, ...kept], true, leave, (error) => {
            if (error !== null) return done(error);
            this.#restoreSessions(sessions);
            this.#garbage.allBut(generation);
            done(null);
          });
        });
      },
      abort: () => this.#garbage.allBut(this.#meta.generation),
    };
  }

  close(): void {
    assert(!this.#closed, "a store is closed once");
    this.#closed = true;
    this.#garbage.stop();
    this.#kv.close();
  }
}

function damaged(what: string, thrown: unknown): DiskError {
  return { code: "DAMAGED", message: `${what} cannot be read: ${wordsOf(thrown)}` };
}

function wordsOf(thrown: unknown): string {
  if (thrown instanceof BadBytes) return thrown.message;
  throw thrown;
}
