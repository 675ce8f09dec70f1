/** The suites of RocksDB by the package for later Node versions, also where this version prefers the other one. */
// Imported for what they do: the first says which package, the others declare their tests.
/* oxlint-disable import/no-unassigned-import */
import "../support/later-rocksdb.ts";
import "./ordered-kv.test.ts";
import "./state-store.test.ts";
import "./rocksdb.test.ts";
