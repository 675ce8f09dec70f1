/** `npm run mutants`: for each mutant, which check notices it, after how many seeds and events. */
import { Baseline, BaselineError } from "./baseline.ts";
import { mustCompile } from "./compile.ts";
import { type Mutant, MutantError } from "./mutant.ts";
import { Inquiry, type Row } from "./notice.ts";
import { type MutantsOptions, mutantsOptions, UsageError } from "./options.ts";
import { saveRows } from "./results.ts";
import { Scratch } from "./scratch.ts";
import { isNoticed, lineOf, summaryOf, tableOf, writeTable } from "./table.ts";

/** For fewer mutants it costs less to run all seeds than to find out which of them come by. */
const mutantsForBaseline = 4;

/** Of all chosen mutants of which anything is known, in the order of the table. */
function knownOf({ chosen }: MutantsOptions, rows: ReadonlyMap<Mutant, Row>): Row[] {
  return chosen.flatMap((mutant) => rows.get(mutant) ?? []);
}

/** Ends the run that is under way: what it has begun is ended and removed first. */
function stopAtSignals(scratch: Scratch, options: MutantsOptions, rows: ReadonlyMap<Mutant, Row>): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => {
      const { chosen, json } = options;
      const next = chosen.findIndex((mutant) => !rows.has(mutant)) + 1;
      const from = json === null ? "" : `; go on with --from ${next} --json ${json}`;
      console.error(`mutants: stopped, with ${rows.size} of ${chosen.length} done${from}`);
      void scratch.end().then(() => process.exit(code));
    });
}

async function runAll(options: MutantsOptions): Promise<Row[]> {
  const { questions, asked, kept, jobs, json } = options;
  const rows = new Map(kept);
  const scratch = new Scratch();
  stopAtSignals(scratch, options, rows);
  const baseline = asked.length < mutantsForBaseline ? null : new Baseline(scratch, asked, questions.without);
  let next = 0;
  const work = async (): Promise<void> => {
    if (asked.length <= next) return;
    const inquiry = new Inquiry(scratch, questions, baseline);
    for (let at = next++; at < asked.length; at = next++) {
      const row = await inquiry.row(asked[at]!);
      rows.set(row.mutant, row);
      console.error(`${lineOf(row)}  ${row.found.message.slice(0, 120)}`);
      if (json !== null) saveRows(json, questions, knownOf(options, rows));
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    await scratch.end();
  }
  return knownOf(options, rows);
}

try {
  const options = await mutantsOptions(process.argv.slice(2));
  mustCompile(options.asked);
  const rows = await runAll(options);
  console.log(`${tableOf(rows)}\n\n${summaryOf(rows)}`);
  if (options.writes) writeTable(rows, new Date().toISOString().slice(0, 10));
  process.exitCode = rows.some((row) => !isNoticed(row) && row.mutant.defended === undefined) ? 1 : 0;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isPlain = [UsageError, MutantError, BaselineError].some((kind) => error instanceof kind);
  console.error(`mutants: ${isPlain ? error.message : error.stack}`);
  // Other workers may wait for what has been ended.
  process.exit(2);
}
