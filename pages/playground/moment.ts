/** What is shown of a run that stands still: its nodes and logs, its lines in words, and what is under way. */
import { EntryNumbers, pageNote } from "../../sim/report/entries.ts";
import { emptyLog, logAfter, noted, type NodeLog } from "../../sim/report/logs.ts";
import { fieldsOf, messageWords } from "../../sim/report/messages.ts";
import { after, clientKinds, type NodeState, unstarted } from "../../sim/report/states.ts";
import type { Play } from "../../sim/play.ts";
import { messageNames } from "../../sim/trace/vocabulary.ts";
import { Host, hostEvents } from "../../sim/world/host.ts";
import type { SentEvent } from "../../sim/play.ts";

/** A message that has left and not arrived. `share`: how much of its way it has behind it. */
export type Flying = {
  readonly from: number;
  readonly to: number;
  readonly share: number;
  readonly words: string;
  readonly isReply: boolean;
  readonly arrives: number;
};

/** A request that was made by hand, and what has come of it. */
export type Asked = { readonly request: string; readonly answer: string };

/** Follows one play: what its nodes are and hold after all lines so far. */
export class Follower {
  readonly #play: Play;
  #starts = 0;
  #lines = 0;
  #notes = 0;
  #numbers = new EntryNumbers();
  #sentAt = new Map<number, number>();
  states: NodeState[] = [];
  logs: NodeLog[] = [];

  constructor(play: Play) {
    this.#play = play;
  }

  get entries(): EntryNumbers["all"] {
    return this.#numbers.all;
  }

  /** Call it whenever the play stands elsewhere. */
  catchUp(): void {
    const { plan, recorder, starts } = this.#play;
    if (starts !== this.#starts) {
      this.#starts = starts;
      [this.#lines, this.#notes] = [0, 0];
      this.#numbers = new EntryNumbers();
      this.#sentAt = new Map();
      this.states = Array.from({ length: plan.nodes + plan.spares }, () => unstarted);
      this.logs = this.states.map(() => emptyLog);
    }
    for (; this.#lines < recorder.lines.length; this.#lines++) {
      this.#takeNotes(this.#lines);
      const line = recorder.lines[this.#lines]!;
      if (line.kind === "send") this.#sentAt.set(line.message, line.time);
      const state = clientKinds.has(line.kind) ? undefined : this.states[line.node - 1];
      if (state === undefined) continue;
      this.states[line.node - 1] = after(state, line);
      this.logs[line.node - 1] = logAfter(this.logs[line.node - 1]!, line.kind);
    }
    this.#takeNotes(Infinity);
  }

  /** Those of lines before that one. */
  #takeNotes(line: number): void {
    const { notes } = this.#play.recorder;
    for (; this.#notes < notes.length && notes[this.#notes]!.at < line; this.#notes++) {
      const note = notes[this.#notes]!;
      this.logs[note.node - 1] = noted(this.logs[note.node - 1]!, pageNote(note, 0, this.#numbers));
    }
  }

  /** In the order of their arrival. */
  flying(): Flying[] {
    const { recorder, simulator } = this.#play;
    const { now, waiting } = simulator.scheduler;
    const found: Flying[] = [];
    for (const { time, target, code, payload } of waiting) {
      if (!(target instanceof Host)) continue;
      if (code === hostEvents.message) {
        const { from, message } = payload as SentEvent["envelope"];
        const sent = this.#sentAt.get(recorder.numberOf(payload as SentEvent["envelope"])) ?? now;
        const share = time === sent ? 1 : (now - sent) / (time - sent);
        const words = messageWords(message.kind, "term" in message ? message.term : 0, fieldsOf(message));
        found.push({ from, to: target.id, share, words, isReply: message.kind.endsWith("-reply"), arrives: time });
      } else if (code === hostEvents.stream) {
        const { stream, kind, bytes, generation } = payload as SentEvent["stream"];
        if (generation !== stream.generation) continue;
        const isForth = kind === "bytes";
        const [from, to] = isForth ? [stream.from, stream.at] : [stream.at, stream.from];
        const words = kind === "closed" ? "the connection is gone" : `${bytes.length} bytes on the connection`;
        found.push({ from, to, share: 0.5, words, isReply: !isForth, arrives: time });
      }
    }
    return found;
  }

  /** Line k in words, without its time. */
  wordsOf(k: number): string {
    const { recorder } = this.#play;
    const { kind, node, a, b, c, message: number } = recorder.lines[k]!;
    const message = recorder.messages[number];
    if (message === null || message === undefined) return this.#play.wordsOf(k).replace(/^\s*[\d.]+ s {2}/, "");
    const content = messageWords(messageNames[c] ?? "", b, fieldsOf(message));
    if (kind === "receive") return `n${node} ← n${a}  ${content}`;
    const fate = recorder.fates.get(number);
    return `n${node} → n${a}  ${content}${fate === undefined ? "" : fate === "cut" ? " — the link is cut" : ` — ${fate} on the way`}`;
  }

  /** What was asked by hand, the newest first. */
  asked(): Asked[] {
    const { recorder, simulator } = this.#play;
    const found = new Map<number, { request: string; answer: string }>();
    for (const [k, { kind, node, a, b }] of recorder.lines.entries()) {
      if ((kind !== "call" && kind !== "return") || node !== simulator.hand.id) continue;
      const detail = /: (.*)$/.exec(this.#play.wordsOf(k).replace(/returns: \w+/, "returns"))?.[1] ?? "";
      if (kind === "call") found.set(a, { request: `${detail} at n${b}`, answer: "no answer yet" });
      else found.get(a)!.answer = answerWords(b, detail);
    }
    return [...found.values()].toReversed();
  }
}

function answerWords(outcome: number, detail: string): string {
  if (outcome === 0) return `ok, ${detail}`;
  return outcome === 1 ? "failed: it certainly did not happen" : "failed: nobody knows whether it happened";
}
