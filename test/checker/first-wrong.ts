/**
 * A process of its own: proves the checker compiled under a directory, by the history of one seed and then by the
 * histories of the seeds from 0 on. Prints the first mismatch as a JSON line.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { partsOf, prove } from "./prove.ts";

const [directory, first, cases] = process.argv.slice(2);
const parts = await partsOf(pathToFileURL(`${join(directory!, "checker")}/`));
const { mismatch } = prove(parts, Number(first), Number(first) + 1);
console.log(JSON.stringify(mismatch ?? prove(parts, 0, Number(cases)).mismatch));
