/** The command line of the checker. */
import { parseArgs } from "node:util";
import { type Format, formats } from "../formats/index.ts";
import { type ModelName, modelNames } from "../models.ts";

/** What the command line asks for, checked. Null: not given. `html` is the path of the page to write. */
export type Options = {
  readonly files: readonly string[];
  readonly model: ModelName | null;
  readonly format: Format | null;
  readonly html: string | null;
  readonly json: boolean;
  readonly timeoutMs: number | null;
  readonly configurationsMax: number | null;
};

/** Printed for --help, and beside what is wrong with a command line. */
export const usage = `Usage: metastore-check FILE... [options]

Decides whether the histories in FILE... are linearizable; "-" is the standard input.

  --model M     ${modelNames.join(", ")}: operations that such a store does not have are an error
  --format F    ${formats.join(", ")}; without it the first line tells
  --html OUT    writes a page about the first illegal history, or else the first one
  --json        one line of JSON for each file, instead of words
  --timeout S   seconds after which a history that is not decided is "unknown"
  --configurations N
                how many the search may make before it is "unknown" (2000000); one takes about 1 us and 500 bytes
  --help

Exit status: 0 all are linearizable, 1 some are not, 3 some are not decided, 2 wrong usage or a broken file.`;

/** What a command line asks for: to check files, or for help; or what is wrong with it, in words. */
export type Asked =
  | { readonly kind: "check"; readonly options: Options }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly reason: string };

function wrong(reason: string): Asked {
  return { kind: "wrong", reason };
}

/** Reads the arguments of the command, its own name left out. */
export function parseOptions(args: readonly string[]): Asked {
  try {
    return asked(parse(args));
  } catch (error) {
    return wrong((error as Error).message.split(/\. To specify|\n/)[0]!);
  }
}

function asked({ values, positionals: files }: ReturnType<typeof parse>): Asked {
  if (values.help === true) return { kind: "help" };
  const { model = null, format = null, html = null, json = false, timeout, configurations } = values;
  if (model !== null && !modelNames.includes(model as ModelName))
    return wrong(`--model is ${modelNames.join(", ")}, not "${model}"`);
  if (format !== null && !formats.includes(format as Format))
    return wrong(`--format is ${formats.join(", ")}, not "${format}"`);
  const seconds = timeout === undefined ? null : Number(timeout);
  if (seconds !== null && !(seconds > 0 && Number.isFinite(seconds)))
    return wrong(`--timeout is a number of seconds above 0, not "${timeout}"`);
  const configurationsMax = configurations === undefined ? null : Number(configurations);
  if (configurationsMax !== null && !(Number.isSafeInteger(configurationsMax) && configurationsMax > 0))
    return wrong(`--configurations is an integer above 0, not "${configurations}"`);
  if (files.filter((file) => file === "-").length > 1) return wrong('name "-" once: the standard input is read once');
  if (files.length === 0) return wrong("name at least one file");
  const options = {
    files,
    model: model as ModelName | null,
    format: format as Format | null,
    html,
    json,
    timeoutMs: seconds === null ? null : seconds * 1000,
    configurationsMax,
  };
  return { kind: "check", options };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      model: { type: "string" },
      format: { type: "string" },
      html: { type: "string" },
      json: { type: "boolean" },
      timeout: { type: "string" },
      configurations: { type: "string" },
      help: { type: "boolean" },
    },
  });
}
