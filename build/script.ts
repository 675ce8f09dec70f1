/** One script out of compiled modules, for a page that loads nothing. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

const importLine = /^import \{ [\w$]+(?:, [\w$]+)*,? \} from ["](\.[^"]+)["];\n/gm;
const exportWord = /^export (?=(?:async )?(?:function|const|let|class)\b)/gm;

/**
 * The compiled module `entry` behind all that it imports, in a scope of its own. Throws where a module does more than
 * import and export names as they are, and where two modules have one name for two things.
 */
export function linkScript(entry: string): string {
  const modules: string[] = [];
  addModule(entry, new Set(), modules);
  const script = `"use strict";\n{\n${modules.join("")}}\n`;
  // Parsing finds a name that is declared twice.
  void new Script(script, { filename: entry });
  if (/<\/script|<!--|\{\{\w+\}\}/i.test(script))
    throw new Error(`${entry}: text that the page would take for its own`);
  return script;
}

function addModule(path: string, seen: Set<string>, modules: string[]): void {
  if (seen.has(path)) return;
  seen.add(path);
  const source = readFileSync(path, "utf8");
  for (const [, from] of source.matchAll(importLine)) addModule(join(dirname(path), from!), seen, modules);
  const text = source
    .replace(importLine, "")
    .replace(/^export \{\};\n/m, "")
    .replace(exportWord, "");
  const left = /^(?:import|export)\b.*/m.exec(text);
  if (left !== null) throw new Error(`${path}: cannot be put into one script: ${left[0]}`);
  modules.push(text);
}
