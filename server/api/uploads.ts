/** A common bound on the bytes of request bodies that are held in memory. A body is let in before any of it is read. */
import { type BudgetOptions, ByteBudget } from "./byte-budget.ts";

/** Bounds in bytes and milliseconds. */
export type UploadOptions = BudgetOptions & {
  /** How long a body that was let in may send nothing. */
  readonly stallMs: number;
};

/** One for each process. */
export class Uploads extends ByteBudget {
  readonly options: UploadOptions;

  constructor(options: UploadOptions) {
    super(options);
    this.options = options;
  }
}
