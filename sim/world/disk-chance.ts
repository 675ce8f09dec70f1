/** What goes wrong with the disks of one machine, drawn by its id, its boot and the occasion. */
import type { Micros, NodeId } from "../../core/units.ts";
import { Copies, type Draws, salts } from "../draws.ts";
import type { Plan } from "../plan/plan.ts";
import { type DiskChance, type DiskRole, readMicros } from "./disk.ts";

/** A fault of one call to a disk or to the ordered map. */
export type DiskStrike =
  | "diskStall"
  | "syncFailure"
  | "readFailure"
  | "writeFailure"
  | "syncLie"
  | "misdirected"
  | "rowsReadFailure";

/** Whose disks they are. */
type Machine = { readonly id: NodeId; readonly boot: number; readonly healed: boolean };

/** How long a call is held up that stalls. */
export const stallMicrosMax: Micros = 3_000_000;
/** Above the number of equal calls of one disk: the draws of a stall's length are numbered from there on. */
const copiesMax = 1_000_000;

/** One for each machine. On a healed machine nothing goes wrong any more. */
export class HostDiskChance implements DiskChance {
  readonly #host: Machine;
  readonly #draws: Draws;
  readonly #plan: Plan;
  readonly #struck: (what: DiskStrike) => void;
  readonly #copies = new Copies();
  /** Whatever is drawn. */
  nextSyncFails = false;

  constructor(host: Machine, draws: Draws, plan: Plan, struck: (what: DiskStrike) => void) {
    this.#host = host;
    this.#draws = draws;
    this.#plan = plan;
    this.#struck = struck;
  }

  /** How long a call takes. */
  latency(role: DiskRole, occasion: number): Micros {
    if (role === "read") return readMicros;
    const { syncMicros, faults } = this.#plan;
    const { id } = this.#host;
    const copy = this.#copies.next(occasion * 2 + (role === "sync" ? 1 : 0));
    let micros = syncMicros / 2 + this.#draws.below(syncMicros * 1.5, "syncLatency", id, occasion, copy);
    if (!this.#host.healed && this.#draws.chance(faults.diskStall, "syncStall", id, occasion, copy)) {
      this.#struck("diskStall");
      micros += this.#draws.below(stallMicrosMax, "syncStall", id, occasion, copy + copiesMax);
    }
    return Math.ceil(micros);
  }

  syncFails(occasion: number): boolean {
    if (!this.nextSyncFails) return this.#strikes("syncFailure", occasion);
    this.nextSyncFails = false;
    return true;
  }

  syncLies(occasion: number): boolean {
    return this.#strikes("syncLie", occasion);
  }

  misdirects(seq: number, fileBytes: number): number | null {
    if (!this.#strikes("misdirected", seq)) return null;
    const { id, boot } = this.#host;
    return 512 * this.#draws.below(Math.ceil(fileBytes / 512), "misdirected", id, seq, boot, salts.misdirected.place);
  }

  readFails(occasion: number): boolean {
    return this.#strikes("readFailure", occasion);
  }

  rowsReadFails(occasion: number): boolean {
    return this.#strikes("rowsReadFailure", occasion);
  }

  writeFails(occasion: number, length: number): number | null {
    if (!this.#strikes("writeFailure", occasion)) return null;
    return this.#draws.below(length + 1, "failedPart", this.#host.id, occasion, this.#host.boot);
  }

  #strikes(family: Exclude<DiskStrike, "diskStall">, occasion: number): boolean {
    const { id, boot, healed } = this.#host;
    const happens = !healed && this.#draws.chance(this.#plan.faults[family], family, id, occasion, boot);
    if (happens) this.#struck(family);
    return happens;
  }

  survives(seq: number): boolean {
    return this.#draws.below(2, "crashKeep", this.#host.id, seq, this.#host.boot) === 0;
  }

  sectorSurvives(seq: number, sector: number): boolean {
    // Half of the surviving writes are whole.
    const whole = this.#draws.below(2, "crashTear", this.#host.id, seq, this.#host.boot) === 0;
    return whole || this.#draws.below(2, "crashTear", this.#host.id, seq, this.#host.boot, sector + 1) === 0;
  }

  namesSurviving(count: number): number {
    return this.#draws.below(count + 1, "crashNames", this.#host.id, this.#host.boot);
  }
}
