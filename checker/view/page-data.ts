/** What the page about a history holds as JSON; its script, pages/checker/page.ts, draws it. */
export type PageData = {
  /** Of the keys that are shown; the first is what the verdict is about. */
  readonly views: readonly View[];
  /** `view`: its place in `views`, or null where the key is only named. */
  readonly keys: readonly { readonly name: string; readonly count: number; readonly view: number | null }[];
};

/** One key, or keys that transactions join. */
export type View = {
  readonly heading: string;
  readonly orderHeading: string;
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
};
