/** A page as one file: its HTML with its style and its script in it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { linkScript } from "./script.ts";

const styleLink = /<link rel="stylesheet" href="([^"]+)" \/>/g;
const scriptLink = /<script src="([^"]+)\.ts"><\/script>/g;
/** What would make the page load something. */
const loads = /<link\b|<script[^>]* src=|@import|\burl\((?!#)|(?:src|href)="(?:[a-z]+:)?\/\//i;

/** `path`: of the HTML. `scripts`: where the compiled modules are, under the paths of their sources. */
export function assemblePage(path: string, scripts: string): string {
  const folder = dirname(path);
  const page = readFileSync(path, "utf8")
    .replaceAll(styleLink, (_, name: string) => `<style>\n${styleOf(join(folder, name))}</style>`)
    .replaceAll(
      scriptLink,
      (_, name: string) => `<script>\n${linkScript(join(scripts, folder, `${name}.js`))}</script>`,
    );
  const load = loads.exec(page);
  if (load !== null) throw new Error(`${path}: the page is to load nothing, but has ${load[0]}`);
  return page;
}

function styleOf(path: string): string {
  const style = readFileSync(path, "utf8");
  if (/<\/style|\{\{\w+\}\}/i.test(style)) throw new Error(`${path}: text that the page would take for its own`);
  return style;
}
