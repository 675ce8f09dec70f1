/** Lets the run go on by itself, an event at a time, until it is told to stop or the run is over. */

/** What the player does to the run, and sees of it. */
export interface PlayedRun {
  isOver(): boolean;
  /** One event more; the page shows it. */
  forward(): void;
  eventsPerSecond(): number;
}

/** One for the page. Its button says what a click on it does. */
export class Player {
  readonly #button: HTMLButtonElement;
  readonly #run: PlayedRun;
  #isPlaying = false;

  constructor(button: HTMLButtonElement, run: PlayedRun) {
    this.#button = button;
    this.#run = run;
  }

  stop(): void {
    this.#isPlaying = false;
    this.#button.textContent = "▶▶ play";
  }

  toggle(): void {
    if (this.#isPlaying || this.#run.isOver()) return this.stop();
    this.#isPlaying = true;
    this.#button.textContent = "❚❚ pause";
    let shownAt = 0;
    const frame = (now: number): void => {
      if (!this.#isPlaying) return;
      if (this.#run.isOver()) return this.stop();
      if (now - shownAt >= 1000 / this.#run.eventsPerSecond()) {
        shownAt = now;
        this.#run.forward();
      }
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }
}
