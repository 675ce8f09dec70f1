/** "When did it become inevitable": of the replays that went on otherwise from a moment, how many broke the same law. */
import { find, svg } from "../dom.ts";
import { placeOf } from "./axis.ts";
import { data, lines, seconds, timeOf } from "./moments.ts";

const stripHeight = 46;
const stripLeft = 74;

/** Draws the strip over the whole run. Nothing where nobody has replayed it. */
export function drawOdds(): void {
  const { odds } = data;
  const strip = find("#odds", SVGSVGElement);
  if (odds === null) {
    find("#odds-part", HTMLElement).hidden = true;
    return;
  }
  const width = strip.clientWidth === 0 ? 1200 : strip.clientWidth;
  strip.setAttribute("viewBox", `0 0 ${width} ${stripHeight}`);
  strip.setAttribute("height", String(stripHeight));
  const last = placeOf(lines.length - 1);
  const x = (k: number): number => stripLeft + (placeOf(k) / Math.max(1, last)) * (width - stripLeft - 14);
  strip.replaceChildren(svg("text", { x: 8, y: 14 }, "100 %"), svg("text", { x: 8, y: stripHeight - 6 }, "0 %"));
  const shown = odds.points.filter(({ line }) => line >= 0);
  for (const [k, { line, failed }] of shown.entries()) {
    const [from, to] = [x(line), k + 1 < shown.length ? x(shown[k + 1]!.line) : width - 14];
    const height = Math.max(1, (failed / odds.replays) * (stripHeight - 8));
    const bar = svg("rect", {
      x: from,
      y: stripHeight - 4 - height,
      width: Math.max(1, to - from),
      height,
      class: "share",
    });
    const text = `after ${seconds(timeOf(line))}: ${failed} of ${odds.replays} replays break the same law`;
    bar.append(svg("title", {}, text));
    bar.dataset["line"] = String(line);
    strip.append(bar);
  }
  const sure = shown.find((_, k) => shown.slice(k).every(({ failed }) => failed === odds.replays));
  find("#odds-said", HTMLElement).textContent =
    sure === undefined || sure === shown.at(-1)
      ? "It became inevitable in its last events only: before, some replays with other delays and timeouts do not break the law."
      : `Inevitable from ${seconds(timeOf(sure.line))} on: whatever delays and timeouts follow, all replays break the same law.`;
}
