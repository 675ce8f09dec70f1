/** Run as a process of its own: proves the checker compiled under a directory. Prints the first mismatch as a JSON line. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { partsOf, prove } from "./prove.ts";

const [directory, cases] = process.argv.slice(2);
const parts = await partsOf(pathToFileURL(`${join(directory!, "checker")}/`));
console.log(JSON.stringify(prove(parts, 0, Number(cases)).mismatch));
