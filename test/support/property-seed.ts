/**
 * Property tests draw the same cases in every run, so that a failure is one of the change that is tested.
 * `METASTORE_PROPERTY_SEED=N` draws others; a test that names its own seed keeps it.
 */
import { configureGlobal, readConfigureGlobal } from "fast-check";

const usualSeed = 20_261_127;
const given = process.env["METASTORE_PROPERTY_SEED"] ?? "";
if (given !== "" && !/^-?\d{1,10}$/.test(given)) throw new Error(`METASTORE_PROPERTY_SEED="${given}" is no integer`);
configureGlobal({ ...readConfigureGlobal(), seed: given === "" ? usualSeed : Number(given) });
