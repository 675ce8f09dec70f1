/** The suites of RocksDB by the package for later Node versions, where this version prefers another: a process of its own. */
import test from "ava";
import { packagesFor } from "../../server/rocksdb/choose.ts";

const name = "@nxtedition/rocksdb";
if (packagesFor(process.version, null)[0]!.name === name) {
  test.skip(`${name} is what the suites run by on this Node version`, () => undefined);
} else {
  process.env["METASTORE_TEST_ROCKSDB"] = name;
  await import("./ordered-kv.test.ts");
  await import("./state-store.test.ts");
  await import("./rocksdb.test.ts");
}
