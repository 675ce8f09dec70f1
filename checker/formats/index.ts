/** Histories from files and back: JSON lines, Jepsen's and Knossos's logs and maps, Porcupine's key-value files. Pure, as the checker is. */
export type { History } from "../history.ts";
export type { Times, Unit } from "../times.ts";
export { HistoryError } from "./history-error.ts";
export { type Heading, parseJsonLines, printJsonLines } from "./jsonl.ts";
export { type Format, formats, type HistoryFile, HistoryReader } from "./reader.ts";
