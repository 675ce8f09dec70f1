/** A Procfile: one process a line, `name: command for sh`. */

/** The commands by name, in their order; throws an Error with the line that is wrong. */
export function parseProcfile(text: string): ReadonlyMap<string, string> {
  const commands = new Map<string, string>();
  for (const [k, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, command] = /^([A-Za-z0-9_-]+):\s*(\S.*)$/.exec(line) ?? [];
    if (name === undefined || command === undefined) throw new Error(`line ${k + 1} is not "name: command"`);
    if (commands.has(name)) throw new Error(`line ${k + 1} names ${name} a second time`);
    commands.set(name, command);
  }
  return commands;
}
