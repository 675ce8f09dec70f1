/** Lines that fit a screen. */

/** No line of a summary is longer. */
export const columns = 100;
const labelColumns = 12;

/** `parts` behind `label`, between commas, on as many lines as they need; a part is broken only where it is alone too long. */
export function fittedParts(label: string, parts: readonly string[]): string[] {
  const words = parts.map((part, k) => (k === parts.length - 1 ? part : `${part},`));
  return filled(`  ${label}`.padEnd(labelColumns), labelColumns, words);
}

/** The words of `text` behind `first`; all other lines begin with `indent` spaces. */
export function fittedText(first: string, indent: number, text: string): string[] {
  return filled(first, indent, text.split(" "));
}

/** What nodes are, of which a message lists one after the other, each on its line. */
export function fittedMessage(first: string, message: string): string[] {
  const [head = "", ...others] = message.split(/(?:; |(?<=:) )(?=n\d+ \()/);
  return [...fittedText(first, 4, head), ...others.flatMap((one) => fittedText("    ", 6, one))];
}

function filled(first: string, indent: number, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of words) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = " ".repeat(indent);
      isEmpty = true;
    }
    const mustBreak = word.includes(" ") && line.length + word.length > columns;
    if (mustBreak) {
      const broken = filled(line, indent, word.split(" "));
      lines.push(...broken.slice(0, -1));
      line = broken.at(-1)!;
    } else line += isEmpty || line === "" ? word : ` ${word}`;
    isEmpty = false;
  }
  lines.push(line);
  return lines;
}
