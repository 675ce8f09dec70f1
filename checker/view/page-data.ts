/** What the page about a history holds as JSON; its script, pages/checker/page.ts, draws it. */
export type PageData = {
  readonly operations: readonly {
    readonly client: number;
    readonly call: number;
    /** Null: it was never answered. */
    readonly end: number | null;
    readonly label: string;
    /** The whole of it, as a sentence. */
    readonly title: string;
    readonly role: "stuck" | "core" | "plain";
  }[];
  /** `operation`: its place in `operations`, or null where that is not shown. */
  readonly order: readonly { readonly operation: number | null; readonly text: string }[];
  readonly stuck: readonly string[];
  readonly keys: readonly { readonly name: string; readonly count: number; readonly isShown: boolean }[];
};
